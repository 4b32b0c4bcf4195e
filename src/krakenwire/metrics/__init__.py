"""Prometheus metrics and health of a client. Needs `pip install 'krakenwire[metrics]'`."""

from krakenwire.metrics.health import Readiness, Waiting
from krakenwire.metrics.registering import register
from krakenwire.metrics.server import MetricsServer, serve

__all__ = ["MetricsServer", "Readiness", "Waiting", "register", "serve"]
