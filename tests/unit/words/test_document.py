"""Documents in words, as a marketer reads them; and the commands that print them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.promotions.document import Promotion
from schemas.promotions.programme import ProgrammeDocument
from schemas.promotions.source import read_source
from services.cli.promotions import promotions_app
from services.words.differences import differences
from services.words.document import describe
from services.words.programme import describe_programme
from services.words.voice import LANGUAGES, NAMES_SHOWN, Spoken

COOKBOOK = sorted((Path(__file__).parents[3] / "docs" / "cookbook").glob("*.yaml"))
COFFEE = """
promotion: coffee
title: {en: "5 € for 50 €", it: "5 € ogni 50 €"}
schedule: {from: 2026-11-01, until: 2026-12-31, timezone: Europe/Rome, days: [mon, tue, wed, thu, fri],
           hours: "07:00-22:00", blackout: 2026-12-08}
audience: {tiers: [silver, gold], segments: commuters, holdout: 5 %}
where: {channel: [pos, app], total: {at_least: 5.00 EUR}, lines: {category: coffee}}
goal: {spend: 50.00 EUR, within: 30d, repeat: true}
reward:
  - coupon: {amount_off: 5.00 EUR, valid_for: 30d}
  - points: 50
limits: {per_member: {times: 3, every: month}, budget: {amount: 10000.00 EUR}}
"""
ENGLISH = [
    "“5 € for 50 €” (also in Italian)",
    (
        "Members of tier silver or gold, in the segment commuters, "
        "except 5% of them, who are left out (always the same ones)"
    ),
    "From 1 November to 31 December 2026, Monday to Friday, 07:00 to 22:00, not on 8 December 2026 (Europe/Rome time)",
    "Orders at a till or in the app, of at least €5.00",
    "Only these lines count: category coffee",
    "Spend €50.00 within 30 days of the first event that counts",
    "Again and again: what is beyond the goal counts towards the next one",
    "A coupon: €5.00 off, valid for 30 days",
    "50 points",
    "At most 3 times a month for each member",
    "Budget: €10,000.00; the last reward is given whole or not at all",
]
ITALIAN = [
    "“5 € ogni 50 €” (anche in inglese)",
    "Membri di livello silver o gold, del segmento commuters, tranne il 5%, che resta escluso (sempre gli stessi)",
    (
        "Dal 1 novembre al 31 dicembre 2026, dal lunedì al venerdì, dalle 07:00 alle 22:00, non l'8 dicembre 2026 "
        "(ora di Europe/Rome)"
    ),
    "Acquisti in cassa o nell'app, di almeno 5,00 €",
    "Contano solo queste righe: categoria coffee",
    "Spendere 50,00 € entro 30 giorni dal primo evento che conta",
    "Più volte: quel che avanza conta per il successivo",
    "Un buono: 5,00 € di sconto, valido 30 giorni",
    "50 punti",
    "Al massimo 3 volte al mese per ogni membro",
    "Budget totale: 10.000,00 €; l'ultimo premio si dà intero o per niente",
]


def promotion(text: str) -> Promotion:
    tree, problems = read_source(text, "coffee.yaml")
    assert tree is not None, problems
    return Promotion.model_validate(tree.plain())


def plain(texts: list[str]) -> list[str]:
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts]


@pytest.mark.parametrize(("language", "expected"), [("en", ENGLISH), ("it", ITALIAN)])
def test_a_document_reads_naturally(language, expected):
    lines = [line.text for section in describe(promotion(COFFEE), language) for line in section.lines]
    assert plain(lines) == expected


def test_long_lists_are_told_by_their_first_names_and_their_length():
    skus = ", ".join(f"sku-{number}" for number in range(500))
    many = promotion(COFFEE.replace("category: coffee", f"sku: [{skus}]"))
    lines = " ".join(line.text for section in describe(many, "en") for line in section.lines)
    assert f"sku-{NAMES_SHOWN - 1} or {500 - NAMES_SHOWN} more" in lines


def test_what_is_told_is_what_the_engine_does():
    """A line is left out by all names at once; an offer's window opens with its issue; a row has nothing left over."""
    text = COFFEE.replace("category: coffee", "category: coffee, except: {brand: House, tag: promo}")
    offer = promotion(text.replace("goal:", "by: offer\ngoal:"))
    lines = plain([line.text for section in describe(offer, "en") for line in section.lines])
    assert "Not counted: brand House with tag promo" in lines
    assert "Spend €50.00 within 30 days of the offer's issue" in lines
    row = "goal: {visits: 1, every: week, in_a_row: 3, repeat: true}"
    streak = promotion(COFFEE.replace("goal: {spend: 50.00 EUR, within: 30d, repeat: true}", row))
    lines = [line.text for section in describe(streak, "en") for line in section.lines]
    assert "Again and again, each time from zero" in lines


def test_the_mode_of_a_group_is_the_programmes(tmp_path: Path):
    (tmp_path / "coffee.yaml").write_text(COFFEE + "stacking: {group: drinks}\n")
    (tmp_path / "programme.yaml").write_text("programme: main\ngroups: {drinks: {mode: best}}\n")
    ran = CliRunner().invoke(promotions_app, ["explain", str(tmp_path)])
    together = next(line for line in ran.stdout.splitlines() if "With others" in line)
    assert "In the group drinks, only the one worth most to the member gives" in " ".join(together.split())


CHANGES = [
    ("spend: 50.00 EUR", "spend: 40.00 EUR", "The goal falls from €50.00 to €40.00"),
    ("within: 30d", "within: 6w", "The time for the goal rises from 30 days to 6 weeks"),
    ("until: 2026-12-31", "until: 2027-01-06", "The end moves from 31 December 2026 to 6 January 2027"),
    ("holdout: 5 %", "holdout: 2.5 %", "The share of members left out falls from 5% to 2.5%"),
    ("times: 3, every", "times: 4, every", "The limit for each member rises from 3 to 4 times a month"),
    ("per_member: {times: 3, every: month}, ", "", "No longer: at most 3 times a month for each member"),
    ("tiers: [silver, gold]", "tiers: [gold, black]", "The tiers: 1 added (black), 1 removed (silver)"),
    ("repeat: true", "repeat: false", "No longer: the goal can be reached again"),
    ("  - points: 50\n", "", "No longer: the reward: 50 points"),
    ("title: {en:", "title: {el: Καφές, en:", "New: the title: “Καφές” (Greek)"),
    ("amount_off: 5.00 EUR", "amount_off: 4.00 EUR", "The amount of the coupon falls from €5.00 to €4.00 (a coupon)"),
]


@pytest.mark.parametrize(("before", "after", "expected"), CHANGES)
def test_a_change_reads_naturally(before, after, expected):
    assert before in COFFEE
    changed = promotion(COFFEE.replace(before, after))
    assert plain(differences(promotion(COFFEE), changed, "en")) == [expected]
    assert differences(changed, changed, "en") == []


def told(file: Path, language: Spoken) -> list[str]:
    tree, _ = read_source(file.read_text(), file.name)
    assert tree is not None
    if "programme" in tree.plain():
        sections = describe_programme(ProgrammeDocument.model_validate(tree.plain()), language)
    else:
        sections = describe(Promotion.model_validate(tree.plain()), language)
    return [line.text for section in sections for line in section.lines]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_cookbook_reads_without_a_gap(language):
    assert len(COOKBOOK) > 40
    gaps = ("  ", " ,", ": ,", "()", ":;", "{", "}")
    found = [(file.name, text) for file in COOKBOOK for text in told(file, language)]
    assert [(name, text) for name, text in found if text != text.strip() or any(gap in text for gap in gaps)] == []


@pytest.fixture
def coffee(tmp_path: Path) -> Path:
    file = tmp_path / "coffee.yaml"
    file.write_text(COFFEE)
    return file


def test_explain_prints_what_a_document_says(coffee):
    ran = CliRunner().invoke(promotions_app, ["explain", str(coffee)])
    assert ran.exit_code == 0
    assert "Members of tier silver or gold" in ran.stdout


def test_explain_tells_programs_in_json(coffee):
    ran = CliRunner().invoke(promotions_app, ["explain", str(coffee), "--language", "it", "--json"])
    (document,) = json.loads(ran.stdout)
    assert document["id"] == "coffee"
    assert [section["key"] for section in document["sections"]] == [
        "about",
        "who",
        "when",
        "what",
        "goal",
        "gives",
        "limits",
    ]


def test_explain_tells_mistakes_on_stderr(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("promotion: wrong\n")
    ran = CliRunner().invoke(promotions_app, ["explain", str(wrong)])
    assert ran.exit_code == 1
    assert "title" in ran.stderr
    assert not ran.stdout


def test_diff_tells_what_changes(coffee, tmp_path):
    new = tmp_path / "new.yaml"
    new.write_text(COFFEE.replace("spend: 50.00 EUR", "spend: 40.00 EUR"))
    ran = CliRunner().invoke(promotions_app, ["diff", str(coffee), str(new), "--json"])
    assert json.loads(ran.stdout)["differences"] == ["The goal falls from €50.00 to €40.00"]
    same = CliRunner().invoke(promotions_app, ["diff", str(coffee), str(coffee)])
    assert same.stdout == "Both say the same.\n"


# What a document says, and what the engine makes of it ---------------------------------------------------------------


def described(fields: str, *, programme: str | None = None, language: Spoken = "en") -> list[str]:
    """All lines about a promotion with these fields, under this programme document."""
    head = "promotion: p\ntitle: {en: P}\n" + ("" if "reward" in fields else "reward: {points: 5}\n")
    document = ProgrammeDocument.model_validate(read_source(programme, "p")[0].plain()) if programme else None
    sections = describe(promotion(head + fields), language, document)
    return plain([line.text for section in sections for line in section.lines])


GOALS = [
    (
        "by: offer\ngoal: {spend: 40.00 EUR, within: 10d}",
        "Spend €40.00 within 10 days of the offer's issue",
        "Spendere 40,00 € entro 10 giorni dall'invio dell'offerta",
    ),
    (
        "goal: {visits: 1, every: week, in_a_row: 6, repeat: true}",
        "Make 1 visit in one calendar week, 6 weeks in a row",
        "Fare 1 visita in una settimana di calendario, per 6 settimane di fila",
    ),
    ("goal: {visits: 1, every: week, in_a_row: 6, repeat: true}", "Again and again, each time from zero", None),
    ("goal: {distinct: {of: day, count: 3}, repeat: true}", "Again and again, each time from zero", None),
    (
        "on: offer.activated\ngoal: {visits: 1, on: offer.activated}",
        "Activate an offer once",
        "Attivare un'offerta una volta",
    ),
    (
        "on: activity.recorded\ngoal: {activities: 3, activity: tasting}",
        "Do the activity tasting 3 times",
        "Svolgere l'attività tasting 3 volte",
    ),
    (
        "where: {lines: {except: {brand: House, tag: promo}}}",
        "Not counted: brand House with tag promo",
        "Non contano: marca House con etichetta promo",
    ),
    (
        "schedule: {windows: [{days: [thu, fri], hours: '18:00-02:00'}], until: 2026-12-31}",
        "Until 31 December 2026, on Thursdays and Fridays 18:00 to 02:00 of the next day",
        None,
    ),
    (
        "limits: {budget: {points: 500, last: partial}}",
        "Budget: 500 points; the last points are cut to what is left",
        None,
    ),
    (
        "reward: {coupon: {amount_off: 5.00 EUR}}\nlimits: {budget: {amount: 500.00 EUR, last: partial}}",
        "Budget: €500.00; the last reward is given whole or not at all",
        None,
    ),
]


@pytest.mark.parametrize(("fields", "english", "italian"), GOALS)
def test_a_document_is_told_as_it_is_decided(fields, english, italian):
    assert english in described(fields)
    if italian is not None:
        assert italian in described(fields, language="it")


PROGRAMME = """
programme: main
regions: {lazio: [rm-01, rm-02], lombardia: mi-01}
groups: {fresh: {mode: best, cap: {points: 50, every: day}}, other: {mode: first}}
cap: {points: 20000, every: month}
"""


def test_the_programme_decides_how_a_group_shares_and_how_much_it_gives():
    told = described("stacking: {group: fresh}", programme=PROGRAMME)
    assert "In the group fresh, only the one worth most to the member gives" in told
    assert "At most 50 points a day for each member, from all promotions of the group fresh together" in told
    assert "At most 20,000 points a month for each member, from all promotions together" in told
    assert "No limit" not in told
    assert "In the group fresh, every promotion gives" in described("stacking: {group: fresh}")


def test_the_stores_of_a_region_are_told():
    fields = "audience: {home_region: lombardia}\nwhere: {any: [{region: lazio}, {channel: web}]}"
    told = described(fields, programme=PROGRAMME)
    assert {"Region lazio: stores rm-01 and rm-02", "Region lombardia: store mi-01"} <= set(told)
    assert not any(text.startswith("Region") for text in described(fields))


def test_explain_reads_the_programme_of_the_folder(coffee):
    coffee.write_text(COFFEE + "stacking: {group: fresh}\n")
    (coffee.parent / "programme.yaml").write_text(PROGRAMME)
    ran = CliRunner().invoke(promotions_app, ["explain", str(coffee.parent), "--json"])
    told = [
        line["text"] for document in json.loads(ran.stdout) for part in document["sections"] for line in part["lines"]
    ]
    assert "In the group fresh, only the one worth most to the member gives" in told
