"""The public face, name by name: nothing appears in it, and nothing leaves it, unnoticed."""

from __future__ import annotations

import krakenwire

PUBLIC = """
AddOrder AddOrderParams AmendOrder AmendOrderParams AuthFailed Balance BalanceDiffers BalanceForgotten BalanceUpdate
BalancesSubscription BatchAdd BatchAddParams BatchCancel BatchCancelParams BatchOrder Book BookCrossed BookDisputed BookLevel BookLive
BookLost BookNotLive BookStatus BookStream BookSubscription BookView CallbackFailed CallbackSlow CallbackTimeout CancelAll
CancelAllOrdersAfter CancelAllOrdersAfterParams CancelAllParams CancelOrder CancelOrderParams CandleRevised CapacityExceeded Client
ClockJump ConnectFailed ConnectFailure ConnectGate ConnectionChanged ConnectionInfo ConnectionLost ConnectionState ConnectionStatus
Credentials DeadMansSwitch DecodeError Disagreement Discarded DisputePolicy EditOrder EditOrderParams ErrorNotice Event EventStream
ExecutionUpdate ExecutionsSubscription FeedLagging FrameRejected Gap GapReason Heartbeat InstrumentChanged InstrumentSubscription
InstrumentUpdate KrakenProWebSocketManager KrakenV2MessageHandler KrakenWireError Level3Order Level3Subscription Level3Update Level3View
Limits OHLCUpdate OhlcSubscription Order OrderBookUpdate OrderForgotten OrderVanished PairsRefused PeerSilent Ping Policy
ReconnectNeeded Reply ReplyMissing ReplyOdd RequestRejected RequestsIgnored ResyncNeeded SchemaDrift Secret SequenceTracker Session
StatusUpdate Stream StreamQuiet SubscriptionRejected SwitchChanged SwitchState TickerSubscription TickerUpdate TokenUnavailable
TradeSubscription TradeUpdate TradingStatus Trust TwinBook Unknown UsageError Verdict Waits connect create_kraken_v2_handler
"""
DESCRIBED = """
KrakenV2MessageHandler create_kraken_v2_handler SequenceTracker ConnectionStatus
BalanceUpdate TickerUpdate OrderBookUpdate TradeUpdate OHLCUpdate
"""
"""Names that existing programs use."""


def test_public_names() -> None:
    """The package exports exactly the names written here."""
    assert sorted(krakenwire.__all__) == PUBLIC.split()


def test_described_names() -> None:
    """Every class and function of the handler's description exists under its name."""
    assert set(DESCRIBED.split()) <= set(krakenwire.__all__)
