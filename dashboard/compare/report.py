"""A report of a comparison as one HTML file: no server, no network and no script needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape

import pandas as pd

from dashboard.compare.coloring import Color
from dashboard.compare.columns import better, titles
from dashboard.compare.differing import differing_params
from dashboard.compare.emphasis import best_of, read_as
from dashboard.compare.report_chart import ReportCurve, curves_svg
from dashboard.compare.report_style import STYLE
from dashboard.shared.components import VERDICT
from dashboard.shared.formats import NOTHING, exact, words
from dashboard.shared.param_texts import unique_names
from experiments.diagnosis import Verdict
from experiments.tracking.runs import Run

_MOST_LISTED = 40  # runs that the key of the curves names; a hover names the others
_MOST_COMPARED = 12  # runs side by side in the table of parameters, and of reasons in words


@dataclass(frozen=True)
class ReportChart:
    """The curves of one metric; ``x_title`` stands below them."""

    metric: str
    x_title: str
    curves: Sequence[ReportCurve]
    log: bool = False


@dataclass(frozen=True)
class Report:
    """What a report shows. ``table`` is one of ``columns.run_table``; its best values are bold if
    ``bold``. ``settings`` are those of the view, in words; ``link`` opens it where it was made.
    ``legend`` says what the colors of the curves are, where it is not a run each.
    """

    title: str
    runs: Sequence[Run]
    charts: Sequence[ReportChart]
    table: pd.DataFrame
    created: datetime
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    link: str = ""
    bold: bool = True
    legend: Sequence[Color] = ()


def report_html(report: Report) -> str:
    """The whole file as text; everything that users wrote is escaped."""
    title = escape(report.title)
    count = f"{len(report.runs):,} run{'' if len(report.runs) == 1 else 's'}"
    link = ""
    if report.link.startswith(("http://", "https://")):
        link = f' · <a href="{escape(report.link, quote=True)}">Open in Kerascope</a>'
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="quiet">{count} · made {exact(report.created)}{link}</p>',
        *(_chart(chart) for chart in report.charts),
        _key(report.runs, report.legend) if report.charts else "",
        _table(report),
        _verdicts(report),
        _params(report.runs),
        _settings(report.settings),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # nothing may be loaded or run, whatever a name contains
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>"
        f"{''.join(parts)}</main></body></html>\n"
    )


def _chart(chart: ReportChart) -> str:
    svg = curves_svg(chart.curves, chart.x_title, chart.log)
    return f"<figure><figcaption>{escape(words(chart.metric))}</figcaption>{svg}</figure>"


def _key(runs: Sequence[Run], legend: Sequence[Color]) -> str:
    names = unique_names(runs)
    named = [f"<li>{_dot(run.color)}{escape(names[run.id])}</li>" for run in runs[:_MOST_LISTED]]
    if legend:  # the colors stand for something else
        named = [f"<li>{_dot(one.color)}{escape(one.label)} {one.runs:,}</li>" for one in legend]
    more = 0 if legend else len(runs) - len(named)
    if more > 0:
        named.append(f"<li class=quiet>and {more:,} more: point at a curve to see its name</li>")
    return (
        f"<ul class=key>{''.join(named)}</ul>"
        '<p class="quiet">Solid: validation. Dashed: training samples, measured in test mode. '
        "Dotted: training samples, while training.</p>"
    )


def _table(report: Report) -> str:
    table = report.table
    if not len(table):
        return ""
    by_id = {run.id: run for run in report.runs}
    names, title = unique_names(report.runs), titles([str(name) for name in table])
    read = {str(name): read_as(table, str(name)) for name in table}
    best = {
        str(name): best_of(table[name], better(str(name)) if report.bold else None)
        for name in table
    }
    numeric = {str(name): pd.api.types.is_numeric_dtype(table[name]) for name in table}
    heads = "".join(
        f"<th{' class=number' if numeric[name] else ''}>{escape(title[name])}</th>"
        for name in numeric
    )
    columns = {name: table[name].tolist() for name in numeric}
    rows = []
    for position, run_id in enumerate(map(str, table.index)):
        run = by_id[run_id]
        cells = "".join(
            _cell(read[name](values[position]), numeric[name], bool(best[name][position]))
            for name, values in columns.items()
        )
        verdict = _verdict(
            report.verdicts[run_id].label if run_id in report.verdicts else run.verdict
        )
        rows.append(
            f"<tr><th scope=row>{_dot(run.color)}{escape(names[run_id])}</th>"
            f"<td>{verdict}</td>{cells}</tr>"
        )
    return (
        "<h2>Runs</h2><div class=wide><table><thead><tr><th>Run</th><th>Verdict</th>"
        f"{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(text: str, numeric: bool, best: bool) -> str:
    told = f"<b>{escape(text)}</b>" if best else escape(text)
    return f"<td class=number>{told}</td>" if numeric else f"<td>{told}</td>"


def _verdicts(report: Report) -> str:
    told = [run for run in report.runs if run.id in report.verdicts][:_MOST_COMPARED]
    if not told:
        return ""
    names = unique_names(report.runs)
    items = "".join(
        f"<dt>{_dot(run.color)}{escape(names[run.id])} · {_verdict(verdict.label)}</dt>"
        f"<dd>{escape(verdict.reason)} {escape(verdict.advice)}</dd>"
        for run in told
        for verdict in (report.verdicts[run.id],)
    )
    return f"<h2>Verdicts</h2><dl>{items}</dl>"


def _params(runs: Sequence[Run]) -> str:
    table = differing_params(runs[:_MOST_COMPARED])
    if table.empty:
        return ""
    first = f" of the first {_MOST_COMPARED}" if len(runs) > _MOST_COMPARED else ""
    heads = "".join(f"<th>{escape(str(name))}</th>" for name in table)
    rows = "".join(
        f"<tr><th scope=row>{escape(str(param))}</th>"
        + "".join(f"<td>{escape(str(value))}</td>" for value in values)
        + "</tr>"
        for param, values in zip(table.index, table.to_numpy().tolist(), strict=True)
    )
    return (
        f"<h2>Parameters that differ{first}</h2><div class=wide><table><thead><tr><th></th>{heads}"
        f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _settings(settings: Mapping[str, str]) -> str:
    if not settings:
        return ""
    rows = "".join(
        f"<tr><th scope=row>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in settings.items()
    )
    return f"<h2>Settings of this view</h2><table><tbody>{rows}</tbody></table>"


def _verdict(label: str | None) -> str:
    if not label or label not in VERDICT:
        return NOTHING
    return f"{_dot(VERDICT[label].shade)}{escape(words(label))}"


def _dot(color: str) -> str:
    return (
        f'<svg class=dot viewBox="0 0 10 10"><circle cx=5 cy=5 r=4 fill="{escape(color)}"/></svg>'
    )
