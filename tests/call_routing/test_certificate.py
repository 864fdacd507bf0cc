from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from call_routing.certificate import LEFT, LIFE, self_signed, still_good

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def test_a_certificate_for_names_and_addresses_that_is_renewed_in_time(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    assert not still_good(certificate, key, now=NOW)
    made = self_signed(["centralino.comune.example", "localhost", "127.0.0.1", "::1"], now=NOW)
    certificate.write_text(made.certificate)
    assert not still_good(certificate, key, now=NOW)
    key.write_text(made.key)
    assert still_good(certificate, key, now=NOW + LIFE - LEFT - timedelta(hours=1))
    assert not still_good(certificate, key, now=NOW + LIFE - LEFT)
    # Key and certificate belong together.
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["centralino.comune.example", "localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address("127.0.0.1"),
        ipaddress.ip_address("::1"),
    ]
    # What browsers refuse to take.
    assert found.not_valid_after_utc - found.not_valid_before_utc < timedelta(days=398)
    certificate.write_text("broken")
    assert not still_good(certificate, key, now=NOW)
