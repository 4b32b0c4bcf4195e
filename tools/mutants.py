"""Break one rule of the source at a time: does the test that should notice fail?

`python -m tools.mutants` copies the source and the tests, applies one mutant after the other to the copy and runs the one test that is
named beside it. It prints a line for each and ends with 1 if a test passed all the same, or if a mutant does not fit the source any more.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hatch_build import compile_side

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("src", "tests", "tools", "hatch_build.py", "pyproject.toml", "Makefile")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule that is broken, where, and who has to notice."""

    rule: str
    file: str
    old: str
    new: str
    test: str


_LEFT_ALONE = "test_ladder.py::test_what_the_fast_way_leaves_alone"

MUTANTS = (
    Mutant(
        "levels beyond the depth are cut",
        "state/side.py",
        "while grown and len(levels) > depth:",
        "while grown and len(levels) > 10 * depth:",
        "properties/test_level2_machine.py",
    ),
    Mutant(
        "levels beyond the depth are cut",
        "state/ladder.py",
        "        self.cut()",
        "        pass",
        "state/test_ladder.py::test_a_snapshot_is_cut",
    ),
    Mutant(
        "plain tokens have the book's fraction digits",
        "state/side.py",
        'if price[price_point] != "." or qty[qty_point] != "." or',
        "if",
        "properties/test_false_proofs.py::test_every_byte[usual]",
    ),
    Mutant(
        "a token begins with a digit",
        "state/side.py",
        ' or price < "0" or qty < "0":',
        ":",
        "state/test_ladder.py::test_what_the_fast_way_leaves_alone",
    ),
    Mutant(
        "a quantity of any number of digits is not taken the fast way",
        "state/side.py",
        "if not text.isdigit() or len(text) > longest or",
        "if not text.isdigit() or",
        "state/test_ladder.py::test_what_the_fast_way_leaves_alone",
    ),
    *(
        Mutant(f"compiled: {rule}", "state/_side.c", old, new, f"state/{test}")
        for rule, old, new, test in (
            ("a point stands where the book has it", " || at[point] != '.')", ")", _LEFT_ALONE),
            ("all else are digits", "if (at[i] < '0' || at[i] > '9')", "if (at[i] < '0')", _LEFT_ALONE),
            ("bounds", "whole == 0 || whole + *amount > self->longest", "whole == 0", _LEFT_ALONE),
            ("no price is zero", "whole == 0 || whole", "whole", _LEFT_ALONE),
            (
                "a removal names what is there",
                "        if (!found)\n            return odd();",
                "        if (!found)\n            return 0;",
                "test_side.py::test_both_loops",
            ),
            (
                "levels beyond the depth",
                "cut_to(self, self->depth);\n    return 0;",
                "return 0;",
                "test_side.py::test_long_sides",
            ),
            (
                "the tenth level",
                "        if (at < PROVEN_LEVELS)\n            write_at",
                "        if (at < 9)\n            write_at",
                "test_side.py::test_the_tenth_level",
            ),
            (
                "the level that rises to the tenth place",
                "    self->summed = 0;\n    return write_on(self);",
                "    self->summed = 0;\n    return 0;",
                "test_ladder.py::test_digits_are_made_when_a_level_rises",
            ),
            (
                "the sum is taken anew",
                "        self->size -= self->sizes[--self->written];\n    self->summed = 0;",
                "        self->size -= self->sizes[--self->written];",
                "test_side.py::test_the_sum_of_both_sides",
            ),
            (
                "the bids' sum continues that of the asks",
                "if (!self->summed || self->sum_before != before)",
                "if (!self->summed)",
                "test_side.py::test_the_sum_of_both_sides",
            ),
            (
                "lost digits are no plain level",
                "Py_IS_TYPE(price, &PyUnicode_Type) && Py_IS_TYPE(qty, &PyUnicode_Type)",
                "1",
                "test_side.py::test_lost_digits_are_no_plain_level",
            ),
            (
                "a failure is explained from before the message",
                "    if (changes != NULL && changes != Py_None)\n        remember_before(self);",
                "",
                "test_side.py::test_the_sum_of_both_sides",
            ),
            (
                "references",
                "        self->gone[self->gone_count++] = level;",
                "        Py_INCREF(self->gone[self->gone_count++] = level);",
                "test_side.py::test_references_are_balanced",
            ),
        )
    ),
    Mutant(
        "several numbers in one string are none",
        "wire/screens.py",
        'return pattern(joined) is not None and joined.count(",") == len(texts) - 1',
        "return pattern(joined) is not None",
        "wire/test_screens.py::test_several_numbers_in_one_string",
    ),
    Mutant(
        "reports of an order that wait are put together in the order they came",
        "state/orders.py",
        "for report in self._reports:",
        "for report in reversed(self._reports):",
        "state/test_orders.py::test_when_an_order_is_read_changes_nothing",
    ),
    Mutant(
        "further unknown fields of a drifted channel are looked for",
        "wire/codec.py",
        "if count > _LOOKED_AT and count % _SAMPLE:",
        "if count > _LOOKED_AT:",
        "session/test_drift.py::test_a_sample_is_looked_at",
    ),
    Mutant(
        "bytes that are no text are found where nobody reads them",
        "session/connection.py",
        "if not is_ascii(frame) or not _typed(message)",
        "if not _typed(message)",
        "session/test_drift.py::test_bad_text_in_a_field_that_is_skipped",
    ),
    Mutant(
        "a sequence number is judged once a frame",
        "session/sequences.py",
        "symbols = dict.fromkeys(row.symbol for row in message.data)",
        "symbols = [row.symbol for row in message.data]",
        "session/test_sequences.py::test_two_entries_of_one_symbol",
    ),
    Mutant(
        "a token with other fraction digits does not fit",
        "state/checksum.py",
        "else fraction_digits(text) == decimals\n",
        "else True\n",
        "properties/test_two_numbers.py::test_moved_points",
    ),
    Mutant(
        "one level alone proves no decimal point",
        "state/precision.py",
        "self.sure = self._given is not None or rows > 1",
        "self.sure = True",
        "properties/test_false_proofs.py::test_every_byte[one level, untold]",
    ),
    Mutant(
        "one order alone proves no decimal point",
        "state/precision.py",
        "if not self.sure and not empty:",
        "if False:",
        "properties/test_false_proofs.py::test_every_byte[one order]",
    ),
    Mutant(
        "the checksum covers the bids",
        "state/side.py",
        "    return crc32(asks.text + bids.text)",
        "    return crc32(asks.text)",
        "state/test_side.py::test_the_sum_of_both_sides",
    ),
    Mutant(
        "asks come before bids",
        "state/level2.py",
        "self._computed = crc32(self.asks.text + self.bids.text)",
        "self._computed = crc32(self.bids.text + self.asks.text)",
        "state/test_level2.py::test_v1",
    ),
    Mutant(
        "ten levels a side are proven, not all",
        "wire/book.py",
        "PROVEN_LEVELS = 10",
        "PROVEN_LEVELS = 1000",
        "properties/test_level2_machine.py",
    ),
    Mutant(
        "trailing zeros count",
        "state/checksum.py",
        'return price_text.replace(".", "").lstrip("0") + qty_text.replace(".", "").lstrip("0")',
        'return price_text.replace(".", "").strip("0") + qty_text.replace(".", "").strip("0")',
        "state/test_checksum.py::test_strings_of_the_documents",
    ),
    Mutant(
        "leading zeros do not count",
        "state/checksum.py",
        'return price_text.replace(".", "").lstrip("0") + qty_text.replace(".", "").lstrip("0")',
        'return price_text.replace(".", "") + qty_text.replace(".", "")',
        "state/test_level2.py::test_edges",
    ),
    Mutant(
        "the unique precision proves floats, several do not",
        "state/precision.py",
        "return found[0] if len(found) == 1 else None",
        "return found[0] if found else (8, 8)",
        "state/test_level2.py::test_v4",
    ),
    Mutant(
        "a number that a float may have rounded is no contradiction",
        "state/precision.py",
        "            if self._rounded:",
        "            if False:",
        "state/test_level2.py::test_more_digits_than_a_float",
    ),
    Mutant(
        "floats are marked as having lost their digits",
        "wire/parsed.py",
        "return LossyText(repr(float(value))) if",
        "return NumberText(repr(float(value))) if",
        "wire/test_codec_faults.py::test_parsed_by_the_caller",
    ),
    Mutant(
        "a changed order keeps its place",
        "state/queues.py",
        "            queue.put(order, exact=self.exact)\n            self._touch(bisect_left(self.keys, queue.key))",
        "            self._remove(queue, order.order_id)\n            self.append(order)",
        "state/test_level3.py::test_v8_chain_b",
    ),
    Mutant(
        "a second add of an order is a contradiction",
        "state/level3.py",
        "if appended and known:",
        "if False:",
        "properties/test_level3_machine.py",
    ),
    Mutant(
        "an event of an unknown order is a contradiction",
        "state/level3.py",
        "elif not side.take(self._filled(order)):",
        "elif not side.take(self._filled(order)) and False:",
        "state/test_level3.py::test_contradictions",
    ),
    Mutant(
        "orders of levels beyond the depth are forgotten",
        "state/queues.py",
        "                del self.places[order_id]\n        del self.keys",
        "                pass\n        del self.keys",
        "properties/test_level3_machine.py",
    ),
    Mutant(
        "a book that failed cannot be read",
        "session/books.py",
        "book.stop(BookStatus.RESYNCING, doubt.reason)",
        "pass",
        "properties/test_false_proofs.py::test_every_byte[usual]",
    ),
    Mutant(
        "a bad entry loses its book",
        "session/odd_frames.py",
        "return events + self._books.reject(entry.channel, entry.symbol, entry.reason, now)",
        "return events",
        "session/test_content.py::test_bad_book_beside_a_good_one",
    ),
    Mutant(
        "a new connection makes books stale",
        "session/lifecycle.py",
        "self._books.make_stale(reason.value)",
        "pass",
        "session/test_session.py::test_new_connection",
    ),
    Mutant(
        "another connection id is another connection",
        "session/lifecycle.py",
        "if self._connection_id not in (None, told):",
        "if False:",
        "session/test_session.py::test_new_connection",
    ),
    Mutant(
        "an answer to subscribe begins the sequence anew",
        "session/lifecycle.py",
        "self._sequences.begin(channel, symbol)",
        "pass",
        "session/test_sequences.py::test_answer_begins_anew",
    ),
    Mutant(
        "a snapshot begins the sequence anew",
        "session/sequences.py",
        "result = self.tracker.track(key, number, None, now=now, snapshot=snapshot)",
        "result = self.tracker.track(key, number, None, now=now)",
        "session/test_sequences.py::test_snapshot_begins_anew",
    ),
    Mutant(
        "a repeated sequence number is not delivered",
        "session/sequences.py",
        "return None if result.duplicate else key not in self._behind",
        "return key not in self._behind",
        "session/test_session.py::test_private_sequence",
    ),
    Mutant(
        "after a hole nothing is in sequence",
        "session/sequences.py",
        "            return key not in self._behind\n",
        "            return True\n",
        "session/test_session.py::test_private_sequence",
    ),
    Mutant(
        "a lost private row is a hole",
        "session/odd_frames.py",
        "return events + self._account.reject(entry.channel, entry.reason, now, snapshot=snapshot)",
        "return events",
        "session/test_content.py::test_bad_report",
    ),
    Mutant(
        "a repeated trade is not passed on",
        "session/market.py",
        "            if verdict.repeated:\n                continue",
        "            if False:\n                continue",
        "properties/test_logs_machine.py",
    ),
    Mutant(
        "a hole in trade ids is a gap",
        "session/market.py",
        "if verdict.gap is not None:",
        "if False:",
        "properties/test_logs_machine.py",
    ),
    Mutant(
        "an unreadable frame is a gap where nothing else proves anything",
        "session/odd_frames.py",
        "in self._streams.cut(UNPROVABLE)",
        "in self._streams.cut(frozenset())",
        "session/test_content.py::test_no_json",
    ),
    Mutant(
        "a stream that was cut is not cut again before it was heard",
        "session/streams.py",
        "            return stream.cut()",
        "            return True",
        "session/test_session.py::test_unreadable_frames_in_a_row",
    ),
    Mutant(
        "a refusal of an older token leaves the present one",
        "session/desk.py",
        "if pending is None or pending.token == self._tokens_supplied:",
        "if True:",
        "session/test_resync.py::test_late_refusal_of_an_old_token",
    ),
    Mutant(
        "a candle that starts in the future is dropped",
        "state/candles.py",
        "if series is not None and series.begin > latest:",
        "if False:",
        "state/test_candles.py::test_a_start_in_the_future_closes_no_candle",
    ),
    Mutant(
        "ten unreadable frames are enough",
        "session/odd_frames.py",
        "if len(self._refusals) >= REFUSALS_TOLERATED:",
        "if len(self._refusals) > REFUSALS_TOLERATED:",
        "session/test_session.py::test_ten_unreadable_frames",
    ),
    Mutant(
        "numbers are bounded",
        "wire/numbers.py",
        "MAX_EXPONENT = 24",
        "MAX_EXPONENT = 400",
        "wire/test_numbers.py",
    ),
    Mutant(
        "numbers are written without exponents",
        "wire/encoding.py",
        'return Raw(format(value, "f"))',
        "return Raw(str(value))",
        "properties/test_round_trip.py::test_requests_keep_their_digits",
    ),
    Mutant(
        "resyncs of one symbol are budgeted",
        "session/limits.py",
        "resyncs: int = 3",
        "resyncs: int = 300",
        "session/test_resync.py::test_lying_server_for_an_hour",
    ),
    Mutant(
        "what is refused is not counted as a message",
        "handler/feed.py",
        "if session.refused:",
        "if False:",
        "properties/test_never_raises.py::test_handler_counts_what_it_refuses",
    ),
    Mutant(
        "a call waits for the callbacks of the one before it",
        "handler/turns.py",
        "            if self.lanes[entry.lane][0] is entry:",
        "            if not entry.begun:",
        "handler/test_turns.py::test_call_order_within_a_channel",
    ),
    Mutant(
        "channels do not wait for each other",
        "handler/routes.py",
        'return getattr(event, "channel", None) or name',
        'return "all"',
        "handler/test_turns.py::test_channels_do_not_wait_for_each_other",
    ),
    Mutant(
        "a callback that hands in a frame does not wait for itself",
        "handler/delivery.py",
        "        inside = self.inside.get(None)\n        if inside:",
        "        inside = None\n        if inside:",
        "handler/test_turns.py::test_frame_handed_in_by_an_async_callback",
    ),
    Mutant(
        "patience ends before the time limit of the callback that is waited for",
        "handler/delivery.py",
        "PATIENCE = 0.9",
        "PATIENCE = 9.0",
        "handler/test_turns.py::test_tasks_started_in_a_callback",
    ),
    Mutant(
        "what a cancelled call leaves is delivered by others",
        "handler/turns.py",
        "        self._lose(call)\n        for lane",
        "        for lane",
        "handler/test_turns.py::test_cancelled_while_waiting_for_its_turn",
    ),
    Mutant(
        "what is left over comes before the next frame",
        "handler/delivery.py",
        "        self.turns.adopt(call)\n        return call if settle",
        "        return call if settle",
        "handler/test_turns.py::test_reset_reaches_async_callbacks",
    ),
    Mutant(
        "events that wait are bounded",
        "handler/delivery.py",
        "if waiting >= WAITING_LIMIT:",
        "if False:",
        "handler/test_turns.py::test_calls_that_nobody_awaits_are_bounded",
    ),
    Mutant(
        "an expiry leaves no cancellation behind",
        "handler/timeout.py",
        "                task.uncancel()",
        "                pass",
        "handler/test_timeout.py::test_expiry",
    ),
    Mutant(
        "a callback cannot swallow the cancellation of its caller",
        "handler/timeout.py",
        "if self._cancelled and task.cancelling() > before:",
        "if False:",
        "handler/test_timeout.py::test_caller_cancelled_and_swallowed",
    ),
    Mutant(
        "nobody is told that an error callback failed",
        "handler/delivery.py",
        "            if not isinstance(event, KrakenWireError):",
        '            if self.reports.counts.total["errors"] < 9:',
        "handler/test_callbacks.py::test_failing_error_callback",
    ),
    Mutant(
        "only one frame is taken at a time",
        "handler/feed.py",
        "        self._lock.acquire()\n        try:",
        "        self._lock = __import__('threading').RLock()\n        self._lock.acquire()\n        try:",
        "handler/test_threads.py::test_nobody_gets_in_between",
    ),
    Mutant(
        "only the ten best levels are called proven",
        "state/proof.py",
        "return min(PROVEN_LEVELS, self.depth) if self.verified else 0",
        "return self.depth if self.verified else 0",
        "properties/test_level2_machine.py",
    ),
    Mutant(
        "of two orders at one price the older one is filled first",
        "sim/engine.py",
        "maker = next(iter(level.orders.values()))",
        "maker = list(level.orders.values())[-1]",
        "sim/test_engine.py::test_price_then_time",
    ),
    Mutant(
        "a level that rises into the window is told",
        "sim/feeds/book.py",
        "        if after > before:",
        "        if False:",
        "sim/test_book_feed.py",
    ),
    Mutant(
        "a level below the window is not told",
        "sim/feeds/book.py",
        "elif key > after or (level.total == old and key <= before):",
        "elif level.total == old and key <= before:",
        "sim/test_book_feed.py::test_changes_below_the_window_are_silent",
    ),
    Mutant(
        "what was below the window is news, whatever it was there",
        "sim/feeds/book.py",
        "            told = old if key <= before else 0",
        "            told = old",
        "sim/test_book_feed.py::test_risen_level_is_told_although_its_quantity_is_the_old_one",
    ),
    Mutant(
        "an order that lost its place is another entry of the queue",
        "sim/feeds/level3.py",
        "if seen and order.resting and not was.requeued and was.key == order.key:",
        "if seen and order.resting and was.key == order.key:",
        "sim/test_level3_feed.py::test_lost_place_is_a_delete_and_an_add",
    ),
    Mutant(
        "what is older than a day leaves its figures",
        "sim/candles.py",
        "while minutes and minutes[0].begin <= now - DAY:",
        "while False:",
        "sim/test_candles.py::test_day_is_its_trades",
    ),
    Mutant(
        "the highest and lowest price of a day leave with their minute",
        "sim/candles.py",
        "gone = gone or old.high == self._high or old.low == self._low",
        "gone = False",
        "sim/test_candles.py::test_day_is_its_trades",
    ),
    Mutant(
        "a subscription that ended before its snapshot brings none",
        "sim/subscriptions.py",
        "            if subscription.ended:",
        "            if False:",
        "sim/test_exchange.py::test_unsubscribed_before_the_snapshot",
    ),
    Mutant(
        "a connection that closes in the middle of a stream takes nothing from the others",
        "sim/connection.py",
        "self.exchange.schedule(self.exchange.at, self._leave)",
        "self._leave(self.exchange.at)",
        "sim/test_hostile.py::test_closing_one_of_many_subscribers_leaves_the_others_alone",
    ),
    Mutant(
        "a token that was used lives as long as its connection",
        "sim/connection.py",
        "        self._tokens.add(token)",
        "        pass",
        "sim/test_exchange.py::test_token_lives_fifteen_minutes_or_as_long_as_its_connection",
    ),
    Mutant(
        "an iceberg order's next slice is at the tail of its level",
        "sim/engine.py",
        "level.orders[order.order_id] = level.orders.pop(order.order_id)",
        "pass",
        "sim/test_orders.py::test_iceberg_shows_its_slices_one_after_the_other",
    ),
    Mutant(
        "what traders pay in fees is somewhere",
        "sim/private/ledger.py",
        "        self.fees[pair.quote] += fee",
        "        self.fees[pair.quote] += 0",
        "sim/test_world.py",
    ),
    Mutant(
        "what an open order holds cannot be spent twice",
        "sim/private/account.py",
        "return self.balances.get(asset, ZERO) - self.held(asset, without)",
        "return self.balances.get(asset, ZERO)",
        "sim/test_orders.py::test_what_orders_hold_cannot_be_spent_twice",
    ),
    Mutant(
        "nobody trades with himself",
        "sim/private/sight.py",
        "if isinstance(owner, OwnOrder) and (owner.account.master or owner.account) is mine:",
        "if False:",
        "sim/test_orders.py::test_nobody_trades_with_himself",
    ),
    Mutant(
        "a trailing stop follows the best price",
        "sim/private/order.py",
        "self.peak = min(self.peak, price) if self.rises else max(self.peak, price)",
        "self.peak = price",
        "sim/test_orders.py::test_trailing_stop_follows_the_best_price",
    ),
    Mutant(
        "the fill that completes an order is no completion",
        "sim/private/reports.py",
        '"order_status": OrderStatus.PARTIALLY_FILLED.value,',
        '"order_status": order.status.value if order.remaining else OrderStatus.FILLED.value,',
        "sim/test_orders.py::test_reports_of_a_fill",
    ),
    Mutant(
        "every frame of a private channel has the next number",
        "sim/private/streams.py",
        "        self.sequence += 1",
        '        self.sequence += kind == "update"',
        "sim/test_private_streams.py",
    ),
    Mutant(
        "the age of an order counts from its last amendment",
        "sim/private/amending.py",
        "order.changed_at, order.amended, order.reason = at, True, reason",
        "order.amended, order.reason = True, reason",
        "sim/test_order_refusals.py::test_age_counts_from_the_last_amendment",
    ),
    Mutant(
        "a nonce that was used is used up",
        "sim/private/account.py",
        "if nonce <= self._highest - self._window or nonce in self._seen:",
        "if nonce <= self._highest - self._window:",
        "sim/test_rest.py::test_nonce_has_to_rise",
    ),
    Mutant(
        "the signature covers the path",
        "sim/signed.py",
        "path.encode() + digest",
        "digest",
        "sim/test_rest.py::test_signature_vectors",
    ),
    Mutant(
        "trades of one message are a nanosecond apart over HTTP",
        "sim/rest.py",
        "instant = instant + 1 if trade.at == before else trade.at",
        "instant = trade.at",
        "sim/test_rest.py::test_trades_in_pages_without_holes",
    ),
    Mutant(
        "time in which nothing ran is excused",
        "net/live.py",
        "            self._session.excuse(late, now=now)",
        "            pass",
        "net/test_connection.py::test_answer_that_comes_after_a_standstill_is_in_time",
    ),
    Mutant(
        "silence counts from the first answer on",
        "net/live.py",
        "        # From the first answer or data on, silence has a deadline, too.\n        self._arm()",
        "        pass",
        "net/test_connection.py::test_peer_that_falls_silent_at_once_is_given_up",
    ),
    Mutant(
        "a handshake alone does not make a connection useful",
        "net/connection.py",
        "if since is not None and loop.time() - since >= self._waits.useful:",
        "if True:",
        "net/test_connection.py::test_flapping_stays_within_the_budget",
    ),
    Mutant(
        "one subscription does not cost the others their connection",
        "net/live.py",
        "return (recent < 2 and not self._known.isolated) or self._known.blamed.spend(now)",
        "return True",
        "net/test_connection.py::test_one_subscription_does_not_cost_the_others_their_connection",
    ),
    Mutant(
        "a peer that does not read is given up",
        "net/writer.py",
        "async with asyncio.timeout(self._waits.write):",
        "async with asyncio.timeout(None):",
        "net/test_connection.py::test_peer_that_does_not_read_is_given_up",
    ),
    Mutant(
        "a redirect of the upgrade is not followed",
        "net/sockets.py",
        "middlewares=() if gate is None else (gate,),",
        "middlewares=(),",
        "net/test_sockets.py::test_redirect_is_never_followed",
    ),
    Mutant(
        "a hold stops everybody",
        "net/backoff.py",
        "free_at = max(self._held_until, self._all.free_at(now))",
        "free_at = self._all.free_at(now)",
        "net/test_backoff.py::test_hold_stops_everybody",
    ),
    Mutant(
        "what a queue drops is told",
        "net/consumers.py",
        "self._drop(self._events.popleft())",
        "self._events.popleft()",
        "net/test_consumers.py::test_buffer_keeps_the_newest_and_tells_the_rest",
    ),
    Mutant(
        "what came before a break does not come after it",
        "net/consumers.py",
        "        if kind is Gap:\n            # What",
        "        if kind is None:\n            # What",
        "net/test_consumers.py::test_break_stands_between_what_it_separates",
    ),
    Mutant(
        "no level3 request costs more than a second allows",
        "state/subscriptions.py",
        "return max(1, LEVEL3_COST_A_REQUEST // LEVEL3_COST[params.depth])",
        "return SYMBOLS_A_REQUEST",
        "net/test_subscribing.py::test_level3_is_paced_and_limited",
    ),
    Mutant(
        "a key that is not accepted is asked for once",
        "net/token.py",
        "                self.final = exc\n",
        "",
        "net/test_token.py::test_useless_key_is_final",
    ),
    Mutant(
        "nonces never go back",
        "net/token.py",
        "max(_nonces.get(self._name, 0) + 1, wall)",
        "wall",
        "net/test_token.py::test_nonce_never_goes_back",
    ),
    Mutant(
        "a book that has ended begins again only where it is wanted",
        "session/connection.py",
        "return over and not self.desk.wants(channel, symbol)",
        "return False",
        "session/test_resync.py::test_snapshot_of_an_ended_book",
    ),
    Mutant(
        "a late answer to an unsubscription says nothing of what was subscribed since",
        "session/replies.py",
        "if wish.phase is Phase.UNSUBSCRIBING or wish.step is Step.UNSUBSCRIBE",
        "if True",
        "session/test_resync.py::test_late_answer_to_an_unsubscription",
    ),
    Mutant(
        "a missed change of precision is learnt from the book",
        "session/recovery.py",
        "if self._desk.wants(channel, None) else []",
        "if False else []",
        "session/test_book_faults.py::test_missed_change_of_precision",
    ),
    Mutant(
        "a market wanted again goes back to its connection",
        "net/plan.py",
        "for connection in made if left not in made else [left, *made]:",
        "for connection in made:",
        "net/test_subscribing.py::test_what_is_wanted_again_at_once_stays_on_its_connection",
    ),
    Mutant(
        "a first trade is not counted as unproven, a trade of unknown place is",
        "session/market.py",
        "elif not verdict.first or self.trades.last_id(trade.symbol) is None:",
        "else:",
        "session/test_ledger.py",
    ),
)


def run(mutant: Mutant, folder: Path) -> str:
    """What came of one mutant: `killed`, `SURVIVED`, or `DOES NOT FIT` if the source has changed under it."""
    path = folder / "src" / "krakenwire" / mutant.file
    source = path.read_text(encoding="utf-8")
    if source.count(mutant.old) != 1:
        return "DOES NOT FIT"
    path.write_text(source.replace(mutant.old, mutant.new), encoding="utf-8")
    environment = os.environ | {
        "PYTHONPATH": str(folder / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "KRAKENWIRE_HYPOTHESIS": "mutants",
        # The loop of the books is there twice. Of the compiled one only its own tests are run.
        "KRAKENWIRE_PURE_PYTHON": "" if path.suffix == ".c" else "1",
    }
    if path.suffix == ".c" and compile_side(folder) is None:
        return "NOT COMPILED"
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"tests/{mutant.test}"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    path.write_text(source, encoding="utf-8")
    # 1: a test failed. Anything but that and 0 means that pytest itself could not do its work.
    return {0: "SURVIVED", 1: "killed"}.get(done.returncode, f"PYTEST ENDED WITH {done.returncode}")


def main(wanted: str = "") -> int:
    """Run every mutant whose line has the text `wanted` in it; returns the exit code."""
    bad = 0
    chosen = [mutant for mutant in MUTANTS if wanted in f"{mutant.rule}: {mutant.file}, by {mutant.test}"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in COPIED:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)
        for mutant in chosen:
            outcome = run(mutant, folder)
            bad += outcome != "killed"
            print(f"{outcome:12}  {mutant.rule}: {mutant.file}, by {mutant.test}", flush=True)
    print(f"\n{len(chosen) - bad} of {len(chosen)} broken rules are noticed.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
