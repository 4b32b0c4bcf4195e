"""Client and exchange in one process on virtual time, with seeded faults, under an oracle that knows what really happened."""
