"""Channels of one market as frames: a stream each, encoded once for all its subscribers."""
