"""The keyring: made once, extended, closed to others."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk.keyring import FILE, KeyringError, open_keyring, override_pin


def test_it_is_made_once_and_extended(tmp_path: Path) -> None:
    first = open_keyring(tmp_path, extensions=["201"], logins=["anna"])
    again = open_keyring(tmp_path, extensions=["101"], logins=[])
    assert again.phone_passwords["201"] == first.phone_passwords["201"]
    assert set(again.phone_passwords) == {"201", "101"}
    assert again.operator_passwords == first.operator_passwords
    assert (again.trunk_password, again.ami_password, again.web_key) == (
        first.trunk_password,
        first.ami_password,
        first.web_key,
    )
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_secrets_are_letters_and_digits_and_differ(tmp_path: Path) -> None:
    keyring = open_keyring(tmp_path, extensions=["201", "101"], logins=["anna", "bruno"])
    secrets = [
        *keyring.phone_passwords.values(),
        *keyring.operator_passwords.values(),
        keyring.trunk_password,
        keyring.ami_password,
        keyring.web_key,
    ]
    assert len(set(secrets)) == 7
    assert all(secret.isascii() and secret.isalnum() and len(secret) >= 12 for secret in secrets)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    open_keyring(tmp_path, extensions=[], logins=[])
    (tmp_path / FILE).chmod(mode)
    with pytest.raises(KeyringError):
        open_keyring(tmp_path, extensions=[], logins=[])


@pytest.mark.parametrize("content", [b"\xff", b"ami = ", b"[phones"])
def test_a_broken_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).touch(0o600)
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(KeyringError):
        open_keyring(tmp_path, extensions=["201"], logins=[])
    assert (tmp_path / FILE).read_bytes() == content


@pytest.mark.parametrize("name", ['quote"d', "back\\slash", "new\nline", "perché"])
def test_no_name_breaks_the_file(tmp_path: Path, name: str) -> None:
    first = open_keyring(tmp_path, extensions=[], logins=[name])
    again = open_keyring(tmp_path, extensions=[], logins=[])
    assert again.operator_passwords == first.operator_passwords
    assert set(again.operator_passwords) == {name}


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    keyring = open_keyring(tmp_path, extensions=["201"], logins=[])
    assert keyring.phone_passwords["201"] not in repr(keyring)
    assert keyring.web_key not in repr(keyring)


def test_pins_are_made_for_the_phones_that_need_one_and_read_as_they_are_now(tmp_path: Path) -> None:
    keyring = open_keyring(tmp_path, extensions=["201", "101"], logins=[], overriding=["201"])
    pin = keyring.override_pins["201"]
    assert len(pin) == 6
    assert pin.isdigit()
    assert override_pin(tmp_path, "201") == pin
    assert override_pin(tmp_path, "101") is None
    file = tmp_path / FILE
    file.write_text(file.read_text().replace(pin, "4321"))
    assert override_pin(tmp_path, "201") == "4321"
    assert open_keyring(tmp_path, extensions=[], logins=[], overriding=["201"]).override_pins["201"] == "4321"
