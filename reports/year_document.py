"""The yearly activity report of the town as a document, in Italian: the same content as HTML and as PDF."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from desk.models import Channel, Purpose, RequestKind
from desk.settings import ROME
from reports.calls import HeatMap
from reports.charts import bars, columns, shares
from reports.definitions import Unit, definitions
from reports.exports import MONTHS, NOTHING, WEEKDAYS, in_words
from reports.pdf import pdf_of
from reports.year import YearFigures

#: Half hours that are shown: from 7:00 to 21:00.
_SHOWN = range(14, 42)
#: A half hour is part of a peak if it has at least this share of the busiest one's.
_PEAK = 0.6

_KINDS = {
    RequestKind.CERTIFICATE: "Certificati",
    RequestKind.MESSAGE: "Messaggi agli operatori",
    RequestKind.REPORT: "Segnalazioni e reclami",
    RequestKind.COURSE: "Iscrizioni ai corsi",
    RequestKind.ROOM: "Sale comunali",
    RequestKind.CALL_BACK: "Richiamate",
}
_CHANNELS = {
    Channel.PHONE: "dal telefono",
    Channel.WEB: "dal web",
    Channel.COUNTER: "dallo sportello",
    Channel.SMS: "da SMS",
}
_PURPOSES = {
    Purpose.RECEIPTS: "Ricevute e avvisi sulle proprie pratiche",
    Purpose.NOTICES: "Avvisi del Comune",
}
_SECTIONS = (
    ("sintesi", "In sintesi"),
    ("sportello", "Servizi allo sportello"),
    ("telematici", "Servizi on line e telefonici"),
    ("flusso", "Rilevazione del flusso di utenza"),
    ("risultati", "Risultati ottenuti"),
    ("definizioni", "Definizioni e fonti"),
)
#: The figures in the text, whose definitions stand at its end.
_DEFINED = (
    "visits",
    "share",
    "calls",
    "closed",
    "dialogs",
    "self_served",
    "self_service_share",
    "offered",
    "answered",
    "by_back_office",
    "by_counter",
    "answered_share",
    "long_abandons",
    "service_level",
    "asa",
    "mean_talk",
    "lost",
    "recovered_share",
    "median_recovery",
    "resolved_survey",
    "filed",
    "done",
    "rejected",
    "in_time_share",
    "mean_days",
    "due",
    "kept_share",
    "missed",
    "moved",
    "written",
    "delivered_share",
    "in_force",
    "total",
    "registered_share",
)

#: How it looks in print and on a screen. Nothing is loaded.
STYLE = """
h1 { font-size: 20pt; margin: 0 0 4pt; line-height: 1.15 }
h2 { font-size: 14pt; margin: 18pt 0 6pt; border-bottom: 1pt solid #0066cc; padding-bottom: 2pt }
h3 { font-size: 11pt; margin: 12pt 0 4pt; break-after: avoid }
p, li { font-size: 9.5pt; line-height: 1.45 } p { margin: 0 0 6pt }
ul, ol { margin: 0 0 8pt; padding-left: 16pt }
header { border-bottom: 3pt solid #0066cc; margin-bottom: 12pt } .kicker { text-transform: uppercase;
  letter-spacing: .05em; font-size: 9pt; color: #455b71 } .lead { font-size: 10.5pt }
nav h2 { border: 0; font-size: 11pt; margin: 0 } nav a { color: #0052a3 }
.two { columns: 2; column-gap: 18pt } .note { font-size: 8.5pt; color: #455b71 }
.missing { border-left: 3pt solid #b15000; background: #fff3e6; padding: 4pt 8pt; break-inside: avoid }
figure { margin: 8pt 0 10pt; break-inside: avoid } figure svg { width: 100%; height: auto }
figcaption { font-size: 8.5pt; color: #455b71 }
caption { text-align: left; font-weight: bold; padding: 4pt 0 2pt }
table { margin: 6pt 0 10pt; break-inside: avoid } tbody th { font-weight: normal } td, th { font-size: 9pt }
dl { columns: 2; column-gap: 16pt } dt { font-size: 8.5pt }
dd { font-size: 8.5pt; line-height: 1.35; break-inside: avoid }
.formula { font-family: "DejaVu Sans Mono", monospace; font-size: 7.5pt }
"""
_SCREEN = """
body { font-family: "Titillium Web", "DejaVu Sans", sans-serif; color: #17324d; max-width: 52rem;
  margin: 2rem auto; padding: 0 1rem } table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #5d7083; padding: 2px 6px; text-align: left; vertical-align: top }
.number { text-align: right; font-variant-numeric: tabular-nums }
h2 { font-size: 1.5rem } h3 { font-size: 1.15rem } nav h2 { font-size: 1.1rem } .lead { font-size: 1.1rem }
dl { columns: 1 } dt { font-weight: bold } dd { margin: 0 0 6px 1rem }
p, li, td, th { font-size: 1rem } dt, dd, .note, figcaption { font-size: .9rem }
"""

_pages = Environment(
    loader=PackageLoader("reports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=False,
)


def title_of(figures: YearFigures) -> str:
    """The document's title."""
    return f"Relazione sull'attività dello sportello {figures.year}"


def as_html(figures: YearFigures, *, town: str, people: tuple[date, int] | None) -> str:
    """The report as a page of its own: no script, nothing loaded.

    Args:
        figures: of the year.
        town: the town's name.
        people: inhabitants, and of which day; ``None`` where nobody noted them.
    """
    return (
        '<!DOCTYPE html>\n<html lang="it"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title_of(figures))}</title><style>{STYLE}{_SCREEN}</style></head>"
        f"<body><main>{_body(figures, town, people)}</main></body></html>\n"
    )


def as_pdf(figures: YearFigures, *, town: str, people: tuple[date, int] | None) -> bytes:
    """The same as PDF/UA."""
    return pdf_of(_body(figures, town, people), title=title_of(figures), language="it", style=STYLE)


def _body(figures: YearFigures, town: str, people: tuple[date, int] | None) -> str:
    kinds = [(_KINDS[RequestKind(kind)], one) for kind, one in figures.requests_by_kind.items() if one.filed]
    kinds.sort(key=lambda entry: -entry[1].filed)
    filed = sum(one.filed for _, one in kinds)
    channels = [
        f"{_CHANNELS[Channel(channel)]} {_n(one.filed)}"
        for channel, one in sorted(figures.requests_by_channel.items(), key=lambda entry: -entry[1].filed)
        if one.filed
    ]
    months = {_month(first): count for first, count in figures.visits_by_month.items()}
    latest = figures.registered[-1] if figures.registered else None
    new = {one.month: one.new for one in figures.registered}
    peak = max(new, key=lambda first: new[first]) if any(new.values()) else None
    return _pages.get_template("year.html").render(
        y=figures,
        town=town,
        made_on=figures.made_at.astimezone(ROME).date(),
        sections=_SECTIONS,
        summary=_summary(figures, filed),
        hours=_hours(figures),
        services_asked=_services_asked(figures),
        agendas=_listed(name[0].lower() + name[1:] for name in figures.agendas),
        kinds=kinds,
        filed=filed,
        channels_told=_listed(channels) if len(channels) > 1 else "",
        kinds_chart=shares(
            "Richieste per tipo", {name: one.filed / filed for name, one in kinds} if filed else {}
        ),
        consents=[(_PURPOSES[Purpose(name)], one) for name, one in figures.consents.items()],
        registered_total=latest.total if latest else 0,
        registered_share=latest.share if latest else None,
        registered_new=sum(new.values()),
        registered_peak=f"{MONTHS['it'][peak.month - 1]} ({_n(new[peak])})" if peak else "",
        registered_chart=bars("Cittadini registrati per mese", {_month(one): n for one, n in new.items()}),
        people=people[1] if people else None,
        people_on=people[0] if people else None,
        flow=sorted(figures.flow, key=lambda one: -one.visits),
        flow_chart=shares(
            "Utenza allo sportello per categoria",
            {one.name_it: one.share or 0 for one in sorted(figures.flow, key=lambda one: -one.visits)},
        ),
        visits_peaks=_peaks(figures.visits_when),
        visits_chart=_day_chart("Utenti allo sportello per mezz'ora", figures.visits_when),
        visits_months=bars("Utenti allo sportello per mese", months),
        calls_peaks=_peaks(figures.calls_when),
        calls_chart=_day_chart("Chiamate agli operatori per mezz'ora", figures.calls_when),
        calls_months=columns(
            "Chiamate per mese",
            [_month(first) for first in figures.calls_by_month],
            {
                "Arrivate": [one.calls for one in figures.calls_by_month.values()],
                "Passate agli operatori": [one.offered for one in figures.calls_by_month.values()],
            },
        ),
        results=_results(figures, filed),
        attention=_attention(figures),
        defined=[definitions()[name] for name in _DEFINED],
        n=_n,
        pc=lambda value: in_words(Unit.SHARE, value),
        dec=lambda value: in_words(Unit.NUMBER, value),
        sec=_duration,
        day=_day,
        months=lambda firsts: _listed(MONTHS["it"][first.month - 1] for first in firsts),
        plural=_counted,
    )


def _summary(figures: YearFigures, filed: int) -> list[tuple[str, str, str]]:
    visits, calls, requests = figures.before
    latest = figures.registered[-1] if figures.registered else None
    return [
        ("Utenti allo sportello", _n(figures.visits or None), _n(visits)),
        ("Utenti allo sportello in media alla settimana", _n(figures.visits_a_week), NOTHING),
        ("Chiamate arrivate", _n(figures.calls.calls or None), _n(calls)),
        ("Chiamate per giorno di apertura", _n(figures.calls_a_day), NOTHING),
        ("Chiamate prese, di quelle passate agli operatori", _share(figures.calls.answered_share), NOTHING),
        ("Richieste di tutti i canali", _n(filed or None), _n(requests)),
        ("Richieste concluse entro il termine", _share(figures.requests.in_time_share), NOTHING),
        ("Cittadini registrati, in tutto", _n((latest.total or None) if latest else None), NOTHING),
    ]


def _hours(figures: YearFigures) -> list[str]:
    """Opening hours, days with the same ones together."""
    spans: dict[int, list[str]] = {}
    for weekday, opens, closes in figures.hours:
        spans.setdefault(weekday, []).append(f"{opens:%H:%M}–{closes:%H:%M}")
    same: dict[str, list[str]] = {}
    for weekday, clock in spans.items():
        same.setdefault(_listed(clock), []).append(WEEKDAYS["it"][weekday])
    return [f"{_listed(days)}: {clock}" for clock, days in same.items()]


def _services_asked(figures: YearFigures) -> str:
    asked = sorted((one for one in figures.flow_by_service if one.visits), key=lambda one: -one.visits)
    return _listed(f"{one.name_it[0].lower()}{one.name_it[1:]} ({_share(one.share)})" for one in asked[:3])


def _results(figures: YearFigures, filed: int) -> list[str]:
    found = []
    visits, calls, requests = figures.before
    for what, now, before in (
        ("Gli utenti allo sportello", figures.visits or None, visits),
        ("Le chiamate", figures.calls.calls or None, calls),
        ("Le richieste", filed or None, requests),
    ):
        if now and before:
            change = (now - before) / before
            how = "sono aumentati" if what.startswith("Gli") else "sono aumentate"
            if change < 0:
                how = how.replace("aumentat", "diminuit")
            found.append(f"{what} {how} del {_share(abs(change))} sullo stesso periodo dell'anno prima.")
    away = sum(
        one.filed for channel, one in figures.requests_by_channel.items() if channel != Channel.COUNTER.value
    )
    if filed and away:
        found.append(
            f"Il {_share(min(away / filed, 1))} delle richieste è arrivato senza venire allo sportello "
            "(telefono, web, SMS)."
        )
    if figures.calls.self_service_share:
        found.append(
            f"Il {_share(figures.calls.self_service_share)} delle chiamate al risponditore è stato servito "
            "senza attesa e senza operatore."
        )
    if figures.lost.recovered:
        found.append(
            f"Chiamate perse e poi recuperate, perché il cittadino ha parlato con un operatore: "
            f"{_n(figures.lost.recovered)} su {_n(figures.lost.lost)}."
        )
    if figures.calls.resolved_survey is not None:
        found.append(
            f"Alla domanda dopo la chiamata il {_share(figures.calls.resolved_survey)} di "
            f"{_n(figures.calls.survey_answers)} cittadini ha risposto che la questione è risolta."
        )
    if figures.requests.in_time_share is not None:
        found.append(
            f"Il {_share(figures.requests.in_time_share)} delle richieste è stato concluso in tempo."
        )
    return found


def _attention(figures: YearFigures) -> list[str]:
    found = []
    if figures.calls.abandoned_share:
        found.append(
            f"Il {_share(figures.calls.abandoned_share)} dei cittadini passati agli operatori ha "
            "riagganciato prima della risposta."
        )
    if figures.requests.overdue:
        found.append(
            _counted(
                figures.requests.overdue,
                "richiesta è aperta oltre il termine.",
                "richieste sono aperte oltre il termine.",
            )
        )
    if figures.appointments.missed:
        found.append(
            _counted(
                figures.appointments.missed,
                "appuntamento è andato deserto.",
                "appuntamenti sono andati deserti.",
            )
        )
    if figures.quality.calls_without_end or figures.quality.stays_without_end:
        found.append("Di alcune chiamate non è stata registrata la fine: contano fra le arrivate.")
    silent = figures.quality.silent_days
    if silent and figures.calls.calls:
        found.append(
            f"In {_counted(len(silent), 'giorno', 'giorni')} di apertura non risulta alcuna chiamata: "
            "forse il sistema era fermo."
        )
    return found


def _day_chart(title: str, when: HeatMap) -> Markup:
    """An average day on which there was something, by half hour."""
    weekdays = {weekday for (weekday, _), count in when.offered.items() if count}
    days = sum(when.days.get(weekday, 0) for weekday in weekdays)
    halves = {
        half: sum(when.offered.get((weekday, half), 0) for weekday in weekdays) / days if days else 0.0
        for half in _SHOWN
    }
    return columns(
        title,
        [_clock(half) for half in halves],
        {"": list(halves.values())},
        decimals=1,
        height=220,
        every=2,
    )


def _peaks(when: HeatMap) -> str:
    """When it is busiest: spans of the clock with the days on which they are."""
    means = {
        (weekday, half): mean
        for weekday in range(7)
        for half in range(48)
        if (mean := when.mean(weekday, half))
    }
    if not means:
        return ""
    # What is full of a day is full beside that day's own fullest half hours of morning and afternoon.
    found: dict[tuple[int, int], list[int]] = {}
    for weekday in range(7):
        for part in (range(27), range(27, 48)):
            here = {half: means[weekday, half] for half in part if (weekday, half) in means}
            if not here or max(here.values()) < _PEAK / 2 * max(means.values()):
                continue
            for begin, end in _runs(
                half for half, mean in here.items() if mean >= _PEAK * max(here.values())
            ):
                found.setdefault((begin, end), []).append(weekday)
    merged: dict[tuple[int, int], list[int]] = {}
    for (begin, end), days in sorted(found.items(), key=lambda entry: (-len(entry[1]), entry[0])):
        near = next((span for span in merged if abs(span[0] - begin) <= 1 and abs(span[1] - end) <= 1), None)
        merged.setdefault(near or (begin, end), []).extend(days)
    told = [
        f"dalle {_clock(begin)} alle {_clock(end)} ({_listed(WEEKDAYS['it'][day] for day in sorted(days))})"
        for (begin, end), days in sorted(merged.items())
        if end - begin >= 2
    ]
    return _listed(told)


def _runs(halves: Iterable[int]) -> Sequence[tuple[int, int]]:
    """Half hours that follow each other, as spans: the first one, and the one after the last."""
    spans = []
    for _, run in groupby(enumerate(sorted(halves)), key=lambda entry: entry[1] - entry[0]):
        found = [half for _, half in run]
        spans.append((found[0], found[-1] + 1))
    return spans


def _clock(half: int) -> str:
    return f"{half // 2}:{half % 2 * 30:02}"


def _month(first: date) -> str:
    return MONTHS["it"][first.month - 1][:3]


def _day(day: date) -> str:
    first = "1º" if day.day == 1 else str(day.day)
    return f"{first} {MONTHS['it'][day.month - 1]} {day.year}"


def _n(value: float | None) -> str:
    return in_words(Unit.COUNT, None if value is None else round(value))


def _counted(count: int, one: str, many: str) -> str:
    return f"{_n(count)} {one if count == 1 else many}"


def _share(value: float | None) -> str:
    return in_words(Unit.SHARE, value)


def _duration(seconds: float | None) -> str:
    """In words, as in a text: "48 secondi", "3 minuti", "1 ora e 20 minuti"."""
    if seconds is None:
        return NOTHING
    if seconds < 90:
        return f"{round(seconds)} secondi"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} minuti"
    hours, rest = divmod(minutes, 60)
    told = f"{hours} {'ora' if hours == 1 else 'ore'}"
    return f"{told} e {rest} minuti" if rest else told


def _listed(items: Iterable[str]) -> str:
    """ "a, b e c"."""
    words = list(items)
    return " e ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
