"""The account side of the simulated exchange: money, orders, and the channels that tell of them."""
