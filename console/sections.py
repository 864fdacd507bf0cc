"""The sections of the console and the pages in each: what the navigation shows.

An entry is shown where its page exists and the operator may open it, a section where it has such an entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask import Flask

from console.routes import may_open
from desk.models import Role


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation: its endpoint, and the key of the text that names it."""

    endpoint: str
    text: str
    #: Endpoints of the pages below it, which show it as the current one.
    below: frozenset[str] = frozenset()

    def holds(self, endpoint: str | None) -> bool:
        """Whether the page with that endpoint is this one or below it."""
        return endpoint == self.endpoint or endpoint in self.below


@dataclass(frozen=True, slots=True)
class Section:
    """A section; ``text`` names it, ``icon`` is of Bootstrap Italia's sprite."""

    text: str
    icon: str
    entries: Sequence[Entry]


#: In the order in which they are shown. A new page adds its line here.
SECTIONS: Sequence[Section] = (
    Section(
        "section.phone",
        "it-telephone",
        (Entry("console.phone", "phone.title"), Entry("console.try_it", "try_it.title")),
    ),
    Section(
        "section.requests",
        "it-inbox",
        (
            Entry(
                "console.requests",
                "requests.title",
                frozenset(
                    {
                        "console.request_detail",
                        "console.work_request",
                        "console.work_requests",
                        "console.note_request",
                        "console.attach",
                    }
                ),
            ),
            Entry(
                "console.new_request",
                "new.title",
                frozenset({"console.new_request_form", "console.file_request"}),
            ),
            Entry("console.visits", "visits.title", frozenset({"console.count_visit"})),
        ),
    ),
    Section(
        "section.agenda",
        "it-calendar",
        (
            Entry(
                "console.agenda",
                "agenda.title",
                frozenset(
                    {
                        "console.appointment",
                        "console.book_appointment",
                        "console.save_appointment",
                        "console.move_appointment",
                        "console.cancel_appointment",
                        "console.appointment_came",
                    }
                ),
            ),
            Entry(
                "console.agenda_rules",
                "agenda.rules",
                frozenset(
                    {
                        "console.change_agenda_rules",
                        "console.add_pattern",
                        "console.remove_pattern",
                        "console.add_absence",
                        "console.remove_absence",
                    }
                ),
            ),
        ),
    ),
    Section(
        "section.citizens",
        "it-user",
        (
            Entry(
                "console.citizens",
                "find.title",
                frozenset(
                    {
                        "console.find_citizen",
                        "console.citizen",
                        "console.change_citizen",
                        "console.save_citizen",
                        "console.new_citizen",
                        "console.register_citizen",
                        "console.citizen_act",
                    }
                ),
            ),
            Entry(
                "console.citizen_data",
                "citizens.title",
                frozenset({"console.find_citizen_data", "console.erase_citizen", "console.export_citizen"}),
            ),
        ),
    ),
    Section(
        "section.services",
        "it-pa",
        (
            Entry("console.courses", "courses.title", frozenset({"console.course", "console.save_course"})),
            Entry(
                "console.rooms",
                "rooms.title",
                frozenset({"console.room", "console.save_room", "console.decide_room"}),
            ),
            Entry(
                "console.certificates",
                "certificates.title",
                frozenset({"console.change_certificate", "console.change_fee"}),
            ),
            Entry(
                "console.reporting",
                "reporting.title",
                frozenset({"console.save_category", "console.save_competent_office"}),
            ),
            Entry(
                "console.offices",
                "offices.title",
                frozenset({"console.save_office", "console.save_service"}),
            ),
        ),
    ),
    Section(
        "section.messages",
        "it-mail",
        (
            Entry(
                "console.prompts",
                "prompts.title",
                frozenset({"console.prompt", "console.change_prompt", "console.record_prompt"}),
            ),
            Entry(
                "console.messages",
                "messages.title",
                frozenset({"console.message", "console.change_message"}),
            ),
        ),
    ),
    Section(
        "section.statistics",
        "it-chart-line",
        (
            Entry("console.statistics", "stat_page.overview", frozenset({"console.statistics_definitions"})),
            Entry(
                "console.statistics_calls",
                "stat_page.calls",
                frozenset({"console.statistics_list", "console.statistics_call"}),
            ),
            Entry("console.statistics_when", "stat_page.when"),
            Entry("console.statistics_lost", "stat_page.lost"),
            Entry("console.statistics_operators", "stat_page.operators"),
            Entry("console.statistics_ivr", "stat_page.ivr"),
            Entry("console.statistics_requests", "stat_page.requests"),
            Entry("console.statistics_counter", "stat_page.counter"),
            Entry("console.statistics_appointments", "stat_page.appointments"),
            Entry("console.statistics_messages", "stat_page.messages"),
            Entry(
                "console.statistics_citizens", "stat_page.citizens", frozenset({"console.set_inhabitants"})
            ),
            Entry("console.statistics_staffing", "stat_page.staffing"),
            Entry("console.statistics_year", "stat_page.year"),
            Entry("console.statistics_quality", "stat_page.quality"),
            Entry("console.wall", "wall.title"),
            Entry("console.wall_screens", "wall.screens", frozenset({"console.make_wall_screen"})),
            Entry("console.report_mails", "report_mails.title", frozenset({"console.order_report_mail"})),
        ),
    ),
    Section(
        "section.settings",
        "it-settings",
        (
            Entry(
                "console.operators",
                "operators.title",
                frozenset({"console.new_operator", "console.operator", "console.operator_password"}),
            ),
            Entry("console.api_keys", "keys.title", frozenset({"console.make_api_key"})),
            Entry(
                "console.hours",
                "hours.title",
                frozenset({"console.change_week", "console.add_special_day", "console.override_hours"}),
            ),
            Entry("console.notices", "notices.title", frozenset({"console.set_notice"})),
            Entry(
                "console.phones",
                "phones.title",
                frozenset(
                    {
                        "console.telephone",
                        "console.add_phone",
                        "console.change_phone",
                        "console.remove_phone",
                        "console.set_direct_line",
                    }
                ),
            ),
            Entry("console.routing", "routing.title", frozenset({"console.change_routing"})),
            Entry("console.audit", "audit.title", frozenset({"console.find_audit"})),
            Entry("console.changes", "changes.title"),
            Entry("console.jobs", "jobs.title"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A section as one operator sees it."""

    section: Section
    entries: Sequence[Entry]
    current: bool

    @property
    def endpoint(self) -> str:
        """Where the section begins."""
        return self.entries[0].endpoint


def sections_for(app: Flask, role: Role, endpoint: str | None) -> Iterator[Shown]:
    """What somebody of that role sees on the page with that endpoint."""
    for section in SECTIONS:
        entries = tuple(
            entry
            for entry in section.entries
            if entry.endpoint in app.view_functions and may_open(app, role, entry.endpoint)
        )
        if entries:
            # Also a page below one that is not shown to this role keeps its section marked.
            yield Shown(section, entries, any(entry.holds(endpoint) for entry in section.entries))
