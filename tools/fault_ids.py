"""The fault matrix: what can go wrong, how deep a test has to go, and what must be covered today.

A test names what it covers with `@pytest.mark.fault("J1")`; `make faults` prints who covers what.

Levels: L0 the core, without socket and clock; L1 the client, transport in memory, on a clock we turn;
L2 sockets and bytes on loopback; L3 whole processes: signals, full disks, real servers; CI the build itself.
"""

from dataclasses import dataclass

REQUIRED_GROUPS = frozenset("JBNFSCM")
"""Groups whose every id has to be covered today, but for those that wait."""

WAITS = frozenset({"C8", "C9"})
"""C8 needs a recorder, C9 a process whose memory is limited from outside."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the matrix."""

    id: str
    level: str
    title: str

    @property
    def required(self) -> bool:
        """Whether a test has to name this id today."""
        return self.id[0] in REQUIRED_GROUPS and self.id not in WAITS


# One line a fault: id, level, title.
_TABLE = """
N1   L1  name lookup fails or hangs
N2   L2  connection refused, network unreachable
N3   L2  connection attempt gets no answer at all
N4   L2  certificate expired, foreign, unknown, or protocol too old
N5   L2  TLS or upgrade stops half-way
N6   L2  upgrade refused for too many attempts
N7   L2  upgrade forbidden for this address or region
N8   L2  upgrade answered by a server error
N9   L2  upgrade answered by a page, a redirect or junk
N10  L2  orderly close by the exchange
N11  L2  end of stream without a close frame
N12  L2  cut in the middle of a frame
N13  L3  peer vanishes without a word
N14  L2  close frame arrives, the TCP connection stays
N15  L2  bytes trickle in, no message gets complete
N16  L2  peer stops reading what we send
N17  L1  connections accepted and dropped in a loop
N18  L3  network changes, machine wakes from sleep
N19  L2  proxy refuses, wants a login, or dies
N20  L1  one of IPv4 and IPv6 is broken
N21  L2  delay below the limit is no reason to reconnect
N22  L1  many connections drop at one moment
N23  L1  the exchange is away for hours
F1   L2  message above the size limit
F2   L2  fragments, complete or endless
F3   L2  text that is not UTF-8
F4   L2  binary frame
F5   L2  frame that breaks the WebSocket rules
F6   L2  compression nobody agreed to, or that explodes
F7   L2  flood of pings
J1   L0  text that is not one JSON value
J2   L0  nesting of a hundred thousand levels
J3   L0  the same key twice in one object
J4   L0  unknown channel or method
J5   L0  field that the specification does not know
J6   L0  value that an enumeration does not know
J7   L0  required field missing
J8   L0  value of another type than documented
J9   L0  hostile numbers
J10  L0  digits: exponents, trailing zeros, numbers without a point
J11  L0  timestamps that are odd or cannot be read
J12  L0  empty data, empty or one-sided book
J13  L0  good and bad entries in one message
J14  L0  reply with a wrong, repeated, missing or late req_id
J15  L0  very large legal message
J16  L0  terminal escapes and very long texts
J17  L0  error that names no method
B1   L0  update lost
B2   L0  update repeated
B3   L0  updates in another order
B4   L0  one digit, side or checksum damaged
B5   L0  checksum stays wrong after every resync
B6   L0  update without a snapshot or a subscription
B7   L0  second snapshot in the stream
B8   L0  removal of a price that is not there
B9   L0  level falls out of the depth and comes back
B10  L0  best bid not below best ask, yet the checksum matches
B11  L0  level3 order unknown, added twice, or out of its queue place
B12  L0  precision of a pair changes while its book is open
B13  L1  one symbol falls silent
B14  L1  heartbeats go on, data stops
B15  L0  trades repeated or missing after a reconnect
B16  L0  candle revised, late or repeated
B17  L0  private sequence jumps
B18  L0  order ended while we were away
B19  L0  market halted, delisted or limited
B20  L1  two connections disagree on one symbol
B21  L1  messages arrive seconds late
S1   L1  some symbols of a subscription refused
S2   L1  acknowledgement never comes
S3   L1  acknowledged, but no snapshot
S4   L0  already subscribed
S5   L0  request that can never succeed
S6   L1  too many requests
S7   L1  too many symbols or connections
S8   L1  token expired
S9   L2  token endpoint fails
S10  L1  key wrong, revoked, or without the permission
S11  L1  exchange in maintenance or a limited mode
S12  L0  subscribe, unsubscribe and close race with data
S13  L1  connection lost with an order under way
S14  L1  dead-man timer refreshed late or not at all
S15  L1  a thousand subscriptions to restore
C1   L0  callback raises
C2   L0  async callback hangs
C3   L2  callback blocks the loop
C4   L1  consumer is slower than the feed, for ever
C5   L1  consumer cancelled or abandoned
C6   L3  loop gets no processor time
C7   L3  interrupted once, and twice
C8   L3  killed and started again
C9   L3  memory bound reached
C10  L3  wall clock jumps
C11  L3  machine suspended for minutes
C12  L1  used from a foreign thread or after a fork
C13  L3  no file descriptors left
C14  L0  subscribe, unsubscribe and close inside a callback
C15  L1  the same error thousands of times a second
C16  L3  reader gone, no terminal, tiny terminal
R1   L3  killed while recording
R2   L1  power lost while recording
R3   L3  disk full
R4   L1  disk slow or stuck
R5   L3  disk fails, or the directory goes away
R6   L0  recording damaged
R7   L3  two recorders on one path
R8   L0  rotation in the middle of a burst
R9   L1  replay with pause, seek and a slow consumer
R10  L0  secrets in recorded frames
R11  L0  recording of an older or newer format
R12  L2  replay differs from what was live
D1   L3  fan-out server restarts
D2   L3  fan-out server absent at the start
D3   L3  acknowledgement of a publish lost
D4   L3  outage longer than the window of duplicates
D5   L3  stream full, payload too large
D6   L3  leader of the cluster dies
D7   L3  two producers for one feed
D8   L3  standby takes over
D9   L3  consumer dies before it acknowledges
D10  L3  message that no consumer survives
D11  L3  whole cluster loses power
D12  L1  slow sink
D13  L0  producer and consumer of different versions
M1   L0  secret in an exception, a repr or a log
M2   L3  secret in a readable file or on the command line
M3   L0  unencrypted connection to a foreign host
M4   L3  simulator reachable from outside, or taken for the exchange
M5   L2  metrics port taken, scrape hangs
M6   L1  ten thousand labels
M7   L0  configuration wrong
M8   CI  dependency tampered with
M9   L1  dashboard shows old data as new
"""


def _parse(table: str) -> dict[str, Fault]:
    rows = (line.split(None, 2) for line in table.strip().splitlines())
    return {fault_id: Fault(fault_id, level, title) for fault_id, level, title in rows}


FAULTS: dict[str, Fault] = _parse(_TABLE)
"""Every fault by its id, in the order of the matrix."""
