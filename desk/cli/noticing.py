"""``centralino notice``: what every caller hears first, and how the worker gives it a voice."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from desk.cli.database import database_of
from desk.cli.moments import read_moment
from desk.db import DatabaseGone, Sessions, reading, transaction
from desk.notices import LANGUAGES, NotAuthorised, clear_notices, notices_in_force, set_notice, sound_of
from desk.settings import ROME, Settings

log = logging.getLogger(__name__)


@click.group()
def notice() -> None:
    """Tell every caller something urgent, until it expires."""


@notice.command("set")
@click.option("--it", "italian", help="The text in Italian, read by the voice in use.")
@click.option("--en", "english", help="The text in English; without it English callers hear the Italian.")
@click.option(
    "--recording",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A WAV file, instead of the Italian text.",
)
@click.option("--until", help='End, Italian time, as "2026-12-24 18:00".')
@click.option("--hours", type=click.FloatRange(min=0.1, max=24 * 31), help="End, in hours from now.")
@click.option("--by", required=True, help="Log-in of the supervisor, manager or administrator.")
def set_(
    italian: str | None,
    english: str | None,
    recording: Path | None,
    until: str | None,
    hours: float | None,
    by: str,
) -> None:
    """Set a notice. Callers hear it a few seconds later."""
    if not (italian or recording):
        raise click.UsageError("Give a text with --it, or a --recording.")
    if (until is None) == (hours is None):
        raise click.UsageError("Give the end, with --until or with --hours.")
    now, settings = datetime.now(UTC), Settings()
    texts = {"it": italian, "en": english}
    data = recording.read_bytes() if recording else None
    if data is not None:
        _check(data)
        texts["it"] = None
    try:
        expires_at = now + timedelta(hours=hours) if hours else read_moment(until or "")
        with transaction(database_of(settings)) as session:
            made = set_notice(
                session,
                texts={language: text for language, text in texts.items() if text},
                expires_at=expires_at,
                by=by,
                now=now,
            )
            if data is not None:
                # Inside the transaction: a recording that cannot be kept leaves no notice without a sound.
                _keep(data, sound_of(settings, made.id, "it"))
    except (NotAuthorised, DatabaseGone, ValueError, OSError) as e:
        raise click.ClickException(str(e)) from e
    click.echo(f"Notice {made.id} is in force until {expires_at.astimezone(ROME):%d/%m/%Y %H:%M}.")


@notice.command()
@click.option("--by", required=True, help="Log-in of the supervisor, manager or administrator.")
def clear(by: str) -> None:
    """End all notices now."""
    try:
        with transaction(database_of(Settings())) as session:
            ended = clear_notices(session, by=by, now=datetime.now(UTC))
    except (NotAuthorised, DatabaseGone) as e:
        raise click.ClickException(str(e)) from e
    click.echo(f"{ended} notices ended.")


def render_notices(database: Sessions, settings: Settings, *, now: datetime) -> None:
    """Give a voice to the notices in force that have none yet, and remove the sounds of those that ended."""
    with reading(database) as session:
        in_force = notices_in_force(session, now=now)
    wanted = {
        sound_of(settings, notice.id, language): (text, language)
        for notice in in_force
        for language, text in zip(LANGUAGES, (notice.text_it, notice.text_en), strict=True)
    }
    for sound, (text, language) in wanted.items():
        if text and not sound.exists():
            from prompts.engines import choose_engines
            from prompts.rendering import render_text

            render_text(text, language, choose_engines(settings.voice), sound)
            log.info("a notice of the town can be heard in %s", language)
    folder = settings.home.resolve() / "notices"
    for file in folder.glob("[0-9]*.wav*"):
        if file.with_suffix(".wav") not in wanted:
            file.unlink(missing_ok=True)


def _check(data: bytes) -> None:
    from prompts.levelling import NotAudio, decode

    try:
        decode(data)
    except NotAudio as e:
        raise click.ClickException(f"The recording cannot be used: {e}") from e


def _keep(data: bytes, sound: Path) -> None:
    from prompts.levelling import decode
    from prompts.rendering import keep_audio

    keep_audio(decode(data), sound)
