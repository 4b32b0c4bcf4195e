"""The fault script: what shall go wrong, when, and how often. Small, readable, seeded: the same script and seed do the same.

One statement a line, a trigger and an action; a line that begins with `#` is a comment.

    at 12.3 s: drop book BTC/USD
    every 30 s from 60 s to 540 s: close 1012
    when reply subscribe: delay 3 s book snapshot
    probability 0.001: corrupt checksum book

**Trigger.** `at TIME`, `every TIME`, `probability NUMBER`, `when TARGET`; the last three take a window, `from TIME`, `to TIME` or both. A
time is a number with `ms`, `s`, `min` or `h`, counted from the beginning of the exchange. A probability is drawn for each frame, request or
attempt that the action could concern; for an action that concerns none, for each frame that goes out. `when` acts as such a frame goes out.

**Action on frames.** It takes the next frame that its target covers; with `N times` the next N; with `for TIME` all within that time.

| action | what becomes of the frame |
|---|---|
| `drop TARGET` | it never arrives |
| `duplicate TARGET` | it arrives twice |
| `swap TARGET` | it arrives after the next one that the target covers |
| `delay TIME TARGET` | it arrives so much later; what follows overtakes it |
| `hold TIME TARGET` | it and everything after it on its connection arrive so much later, in order, at once |
| `truncate TARGET` | its end is missing |
| `corrupt DAMAGE TARGET` | it arrives damaged; the kinds of damage are in `damage.DAMAGES` |
| `replace TARGET with TEXT` | the text arrives in its place |
| `split BYTES TARGET` | it arrives in pieces of so many bytes |
| `stall TIME TARGET` | half of its bytes arrive; the rest and everything behind it come so much later |
| `break [END] TARGET` | half of its bytes arrive, and the connection ends |

**Action on requests.** `ignore REQUEST`: it is not heard. `refuse REQUEST with TEXT`: a symbol that the request names is refused in these
words, or all of a request without symbols; with `N times`, `for TIME` as above. A request is a method, then perhaps a channel and a symbol:
`subscribe book BTC/USD`.

**Action on connecting.** `refuse connects STATUS` and `refuse http STATUS` answer the next attempt to connect, or the next HTTP request,
with this status, with `retry TIME` also with `Retry-After`, and with `with TEXT` as the body. `spoil connects JUNK`: what comes in place of
the upgrade is no HTTP at all; the kinds are in `below.JUNK`.

**Happening.** `close [CODE]` with a close frame, `cut` without; `renumber`: a `status` with another connection id; `repeat TARGET`: the
snapshot of a channel and symbol once more; `send TEXT`; `status SYSTEM`, with `for TIME` until the engine is online again;
`pair SYMBOL FIELD VALUE`: a market goes on under other terms; `cross SYMBOL`: for a moment the best bid is above the best ask;
`expire tokens`.

**Happening below the frames.** `end END`: without a close frame, `fin`, `torn`, `rst`, or `silent`, as if the peer had vanished;
`goodbye [CODE]`: a close frame, and TCP stays open; `frame KIND`: a rare or an illegal frame, the kinds are in `below.ODD_FRAMES`;
`garbage [BYTES]`: so many random bytes; `bytes HEX`: these bytes; `late TIME`: everything comes so much later, all at once;
`slow BYTES`: so many bytes a second; `fragment BYTES [ping]`: messages in fragments, with pings between them; `deaf`: nothing that the
client says is read. The last three end after `for TIME`. Where there are no sockets, `below` says what is done instead.

A target is a channel, or `reply`, `status`, `heartbeat`, `data` (all channels but those), `anything`; then perhaps a symbol, and `snapshot`
or `update`, of a reply the method. `on HOST` (`public`, `private`, `level3`) restricts any action to the connections of one host. The order
of what may follow is `retry`, `on`, `times`, `for`, `with`. A frame suffers one fault at most, the first of the script that wants it.
"""

from krakenwire.sim.faults.damage import DAMAGES
from krakenwire.sim.faults.script import FaultScript
from krakenwire.sim.faults.statement import Action, At, Every, Probability, Statement, Target, Verb, When
from krakenwire.sim.faults.text import parse

__all__ = [
    "DAMAGES",
    "Action",
    "At",
    "Every",
    "FaultScript",
    "Probability",
    "Statement",
    "Target",
    "Verb",
    "When",
    "parse",
]
