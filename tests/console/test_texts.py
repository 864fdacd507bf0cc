from __future__ import annotations

import re
from string import Formatter

import pytest

from console.texts import Language, Texts
from desk.settings import PROJECT
from ivr.walk import nodes_in_source

TEXTS = Texts.read()


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_say_the_same_things() -> None:
    italian = {key: _placeholders(text) for key, text in TEXTS.by_language[Language.ITALIAN].items()}
    english = {key: _placeholders(text) for key, text in TEXTS.by_language[Language.ENGLISH].items()}

    assert italian == english
    assert all(text.strip() for texts in TEXTS.by_language.values() for text in texts.values())


def test_every_text_named_by_a_template_exists() -> None:
    templates = sorted((PROJECT / "console" / "templates").glob("**/*.html"))
    named = {
        key
        for file in templates
        for key in re.findall(r"""\bt\(["']([a-z_.]+\.[a-z_]+)["']""", file.read_text())
    }

    assert len(named) > 20
    assert named <= TEXTS.by_language[Language.ITALIAN].keys()


def test_no_text_is_left_behind_by_the_pages() -> None:
    """Keys are used whole in templates and code, or by group for values kept as data."""
    groups = {
        "channel",
        "kind",
        "certificate",
        "state",
        "subject",
        "delivery",
        "stamp",
        "identified",
        "receipt",
    }
    groups |= {"language", "column", "recording", "error", "call_back"}
    groups |= {"place", "purpose", "part", "decision"}
    groups |= {"tried", "closed", "occasion"}
    groups |= {"act", "act_done", "outcome", "attached", "call_outcome", "happening"}
    groups |= {"new_help", "consent_for", "consent_text", "booking_state", "document_kind"}
    groups |= {"filter_state", "filter_whose", "filter_sort"}

    # Sections are named before they have pages; some sentences of the parts that pages are made of, too.
    groups |= {"section"}
    groups |= {"role", "permission", "tier", "way", "scope", "language_name"}
    # Why a new password was refused.
    groups |= {"password"}
    groups |= {
        "weekday",
        "weekday_short",
        "booking_step",
        "rule",
        "tier_of_phone",
        "routing_rule",
        "routing_help",
        "message_name",
    }
    groups |= {"changed"}
    groups |= {"node", "fee"}
    groups |= {"audit_action", "audit_said", "audit_act", "operation"}
    groups |= {"changed", "wall_live"}
    groups |= {"report_every", "report_mail_state", "report_mail_failure"}
    groups |= {"job", "job_column", "job_result", "table", "kept_because"}
    # Of the statistics: values of filters, names of pages, and what calls tell.
    groups |= {"stat_page", "stat_intro", "stat_span", "stat_compare", "stat_by", "stat_level", "stat_view"}
    groups |= {"stat_filter", "stat_wrong", "call_end", "queue_event", "text_kind"}
    # Of the phone: named by what Asterisk and the line say.
    groups |= {"pause_reason", "phone_state"}
    sources = [
        file.read_text()
        for package in ("console", "webhooks")
        for pattern in ("*.py", "templates/*.html")
        for file in (PROJECT / package).glob(pattern)
    ]
    sources += [file.read_text() for file in (PROJECT / "console" / "assets" / "phone").glob("*.ts")]
    unused = {
        key
        for key in TEXTS.by_language[Language.ITALIAN]
        if key.partition(".")[0] not in groups
        and not any(f'"{key}"' in s or f"'{key}'" in s for s in sources)
    }

    assert unused == set()


def test_placeholders_are_filled_in() -> None:
    assert TEXTS.say(Language.ITALIAN, "page.signed_in_as", name="Anna") == "Operatore: Anna"


def test_an_unknown_text_is_an_error_and_an_unknown_value_shows_itself() -> None:
    with pytest.raises(KeyError):
        TEXTS.say(Language.ITALIAN, "page.nonsense")
    assert TEXTS.label(Language.ITALIAN, "kind", "hunting_licence") == "hunting_licence"
    assert TEXTS.label(Language.ENGLISH, "kind", "birth") == "Birth certificate"


def test_every_node_of_the_dialogs_has_a_name_of_its_own() -> None:
    for texts in TEXTS.by_language.values():
        named = {key.removeprefix("node."): text for key, text in texts.items() if key.startswith("node.")}
        # What is in brackets are the ends of ways, for the statistics.
        assert {node for node in named if not node.startswith("(")} == nodes_in_source()
        nodes = [text for node, text in named.items() if not node.startswith("(")]
        assert len(set(nodes)) == len(nodes)
