"""PDF from HTML, without a browser and without the network: tagged, as the law on accessibility wants it."""

from __future__ import annotations

import html

from weasyprint import HTML
from weasyprint.urls import URLFetcher

#: How printed pages look: the system's own fonts, nothing loaded from anywhere.
STYLE = """
@page { size: A4 %s; margin: 16mm 14mm;
        @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt; color: #17324d;
                        font-family: "Titillium Web", "DejaVu Sans", sans-serif } }
body { font-family: "Titillium Web", "DejaVu Sans", sans-serif; font-size: 9pt; line-height: 1.35;
       color: #17324d }
h1 { font-size: 15pt } h2 { font-size: 11pt; break-after: avoid }
table { border-collapse: collapse; width: 100%% }
thead { display: table-header-group } tr { break-inside: avoid }
th, td { border-bottom: .4pt solid #5d7083; padding: 1.5pt 3pt; text-align: left; vertical-align: top }
thead th { border-bottom: 1pt solid #17324d; font-size: 8pt; hyphens: auto }
.number { text-align: right; font-variant-numeric: tabular-nums }
dt { font-weight: bold; break-after: avoid } dd { margin: 0 0 3pt 10pt }
"""


def pdf_of(body: str, *, title: str, language: str, wide: bool = False, style: str = "") -> bytes:
    """The PDF/UA document of ``body`` (HTML without a page around it; pictures inline as SVG or data)."""
    look = STYLE % ("landscape" if wide else "portrait") + style
    page = (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{look}</style></head><body>{body}</body></html>"
    )
    # Pictures come with the page; nothing is asked of the network or read from the disk.
    fetcher = URLFetcher(allowed_protocols={"data"})
    written: bytes = HTML(string=page, url_fetcher=fetcher).write_pdf(pdf_variant="pdf/ua-1")
    return written
