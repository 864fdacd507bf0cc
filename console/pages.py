"""The operators' console as one Flask blueprint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, current_app, g, request

from console.accessibility_page import AccessibilityPage
from console.agenda_pages import AgendaPages, service_name
from console.agenda_rule_pages import AgendaRulePages
from console.audit_pages import AuditPages
from console.casework_pages import CaseworkPages
from console.change_pages import ChangePages
from console.citizen_data_pages import CitizenDataPages
from console.citizen_pages import CitizenPages
from console.formats import amount, clock_with_seconds, comma, day, day_and_time
from console.formats import clock as clock_text
from console.hours_pages import HoursPages
from console.job_pages import JobPages
from console.key_pages import KeyPages
from console.language import language_of_visitor, note_language_switch, other_language, other_language_url
from console.message_pages import MessagePages
from console.new_request_pages import NewRequestPages
from console.notice_pages import NoticePages
from console.offer_pages import OfferPages
from console.operator_pages import OperatorPages
from console.phone_pages import PhonePages
from console.profile_pages import ProfilePages
from console.prompt_pages import PromptPages
from console.report_mail_pages import ReportMailPages
from console.reporting_pages import ReportingPages
from console.request_pages import RequestPages
from console.sections import Shown, sections_for
from console.sign_in import SignIn
from console.statistics_pages import StatisticsPages
from console.supervising import Supervising
from console.telephone_pages import TelephonePages
from console.texts import Texts
from console.try_pages import TryPages
from console.visit_pages import VisitPages
from console.wall_pages import WallPages
from desk.db import Sessions
from desk.settings import Settings
from desk.two_step import TwoStep
from prompts.own_words import Words
from reports.charts import as_image


def _sections() -> Sequence[Shown]:
    """The navigation of who is logged in; nothing for everybody else."""
    operator = g.get("operator")
    return tuple(sections_for(current_app, operator.role, request.endpoint)) if operator else ()


def console_blueprint(
    sessions: Sessions,
    texts: Texts,
    sign_in: SignIn,
    made: Sequence[WallPages | ReportMailPages],
    settings: Settings,
    two_step: TwoStep,
    ami_password: str,
    *,
    clock: Callable[[], datetime],
) -> Blueprint:
    """Everything below ``/console``, and what its templates need.

    ``made`` are pages that the application knows more of; ``ami_password`` is the console's.
    """
    blueprint = Blueprint(
        "console", __name__, url_prefix="/console", template_folder="templates", static_folder="static"
    )
    words = Words(settings.sounds, settings.home)
    blueprint.before_app_request(note_language_switch)
    sign_in.add_to(blueprint)
    request_pages = RequestPages(sessions, texts, settings, clock=clock)
    request_pages.add_to(blueprint)
    CaseworkPages(sessions, texts, settings, request_pages, clock=clock).add_to(blueprint)
    JobPages(sessions, texts, clock=clock).add_to(blueprint)
    PhonePages(sessions, texts, settings, ami_password, clock=clock).add_to(blueprint)
    Supervising(sessions, settings, ami_password, clock=clock).add_to(blueprint)
    TryPages(sessions, settings, ami_password).add_to(blueprint)
    ProfilePages(sessions, texts, sign_in, two_step, clock=clock).add_to(blueprint)
    OperatorPages(sessions, texts, clock=clock).add_to(blueprint)
    KeyPages(sessions, clock=clock).add_to(blueprint)
    AccessibilityPage(settings).add_to(blueprint)
    NewRequestPages(sessions, texts, clock=clock).add_to(blueprint)
    CitizenPages(sessions, texts, clock=clock).add_to(blueprint)
    CitizenDataPages(sessions, settings, clock=clock).add_to(blueprint)
    AgendaPages(sessions, texts, clock=clock, home=settings.home).add_to(blueprint)
    AgendaRulePages(sessions, texts, clock=clock).add_to(blueprint)
    HoursPages(sessions, texts, clock=clock).add_to(blueprint)
    NoticePages(sessions, texts, settings, clock=clock).add_to(blueprint)
    TelephonePages(sessions, texts, clock=clock).add_to(blueprint)
    ChangePages(sessions, texts, clock=clock).add_to(blueprint)
    AuditPages(sessions, texts, clock=clock).add_to(blueprint)
    MessagePages(sessions, texts, clock=clock).add_to(blueprint)
    PromptPages(sessions, texts, settings, words, clock=clock).add_to(blueprint)
    ReportingPages(sessions, texts, clock=clock, words=words).add_to(blueprint)
    OfferPages(sessions, texts, clock=clock, words=words).add_to(blueprint)
    StatisticsPages(sessions, texts, settings, clock=clock).add_to(blueprint)
    VisitPages(sessions, texts, clock=clock).add_to(blueprint)
    for pages in made:
        pages.add_to(blueprint)
    blueprint.add_app_template_filter(day)
    blueprint.add_app_template_filter(clock_text, "clock")
    blueprint.add_app_template_filter(service_name, "named")
    blueprint.add_app_template_filter(comma)
    blueprint.add_app_template_filter(lambda value: amount(str(value)), "euro")
    blueprint.add_app_template_filter(day_and_time)
    blueprint.add_app_template_filter(clock_with_seconds, "clock_seconds")
    blueprint.add_app_template_filter(as_image)

    def for_templates() -> dict[str, Any]:
        language = language_of_visitor()
        return {
            "language": language,
            "other_language": other_language(),
            "other_language_url": other_language_url(),
            "t": lambda key, **values: texts.say(language, key, **values),
            "sections": _sections(),
            "town_name": settings.town_name,
            "label": lambda group, code: texts.label(language, group, code),
        }

    blueprint.app_context_processor(for_templates)
    return blueprint
