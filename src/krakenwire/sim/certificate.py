"""A throw-away certificate for the simulated exchange: made anew at every start, its keys are written nowhere and forgotten at the end.

It is signed by an authority of its own, as clients in some languages take no certificate that signs itself. Clients are told to trust that
authority; it can sign nothing more, because its key is gone before the first of them connects.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from krakenwire.errors import UsageError

VALID = dt.timedelta(days=30)

NAMES = ("localhost", "ws.localhost", "ws-auth.localhost", "ws-l3.localhost", "api.localhost")
ADDRESSES = ("127.0.0.1", "::1")

MISSING = (
    "TLS needs the package cryptography, which makes the certificate: pip install 'krakenwire[tls]'. "
    "Without it the exchange can be served in plain text"
)


class Certificate(Struct, frozen=True):
    """What a server needs, and what its clients have to trust."""

    context: ssl.SSLContext
    authority: bytes
    """PEM of the authority that signed it; nothing in it is secret."""


def throw_away(hosts: Sequence[str] = ()) -> Certificate:
    """A new certificate for this machine, and for these names or addresses besides.

    Raises: UsageError, if the package that makes certificates is not installed.
    """
    try:
        from cryptography import x509  # noqa: PLC0415 (an extra, used only here)
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415
    except ImportError:
        raise UsageError(MISSING) from None

    begins = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def usage(*names: str) -> x509.KeyUsage:
        every = (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        )
        return x509.KeyUsage(**{name: name in names for name in every})

    def unsigned(subject: str, key: Any) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named(authority_name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + VALID)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    authority_name = "krakenwire simulated exchange (authority)"
    signer, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = (
        unsigned(authority_name, signer)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(signer, hashes.SHA256())
    )
    names: list[x509.GeneralName] = []
    for host in dict.fromkeys((*NAMES, *ADDRESSES, *hosts)):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    leaf = (
        unsigned("krakenwire simulated exchange", key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(signer, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Certificate(_context(leaf.public_bytes(pem) + secret), authority.public_bytes(pem))


def _context(pem: bytes) -> ssl.SSLContext:
    """Python takes a key from a file only: this one is readable by its owner alone, and is gone at once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    place, name = tempfile.mkstemp(prefix="krakenwire-", suffix=".pem")
    try:
        with os.fdopen(place, "wb") as file:
            file.write(pem)
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()
    return context
