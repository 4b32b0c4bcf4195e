"""Logs for whoever runs a program: one line a record, as text or JSON, bounded, without secrets."""

from krakenwire.logs.facts import following
from krakenwire.logs.lines import LogHandler, RedactingFilter, configure
from krakenwire.logs.redaction import redact

__all__ = ["LogHandler", "RedactingFilter", "configure", "following", "redact"]
