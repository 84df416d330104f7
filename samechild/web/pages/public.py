"""Pages for anybody: what is shared and why in words a parent understands, and about this service.

UK GDPR Articles 12 to 14 ask for plain language, above all for children. What stands here is read from the declared
purposes and from the agreements in force, never written beside them.
"""

from __future__ import annotations

from samechild.policy.agreement_actions import Standing, standings
from samechild.policy.bases import bases, powers
from samechild.policy.purposes import Purpose, purposes
from samechild.policy.records import Rule
from samechild.records.disclosure import Effect, Mode
from samechild.records.types import record_types
from samechild.web.blocks import Answer, Block, Heading, Inset, More, Points, Sheet, Table, Words, day
from samechild.web.routes import ANYBODY, Page
from samechild.web.visits import Visit
from samechild.web.words import NOBODY_KNOWS, organisation_names, titles


def what_is_shared(visit: Visit) -> Answer:
    """Everything that may be shared, for what, with whom and on what power, as it stands now."""
    blocks: list[Block] = [
        Words(
            "Schools, doctors, social workers and others each keep their own records about a child. Sometimes one of "
            "them needs to know something that another one holds. This page says when that may happen.",
            lead=True,
        ),
        Words(
            "Nothing is shared unless one of the reasons below applies, an agreement between the two organisations "
            "allows it, and the law gives them the power. Every time, it is written down who looked and why."
        ),
        Heading("The only reasons"),
        Table("For a child's own care", ("Reason", "In plain words"), _rows(individual=True)),
        Table("About many children together", ("Reason", "In plain words"), _rows(individual=False)),
        Inset("These records are never used to manage staff, to rank councils or to inspect them."),
        Heading("The agreements in force"),
        *_agreements(visit),
        Heading("What you can ask"),
        Points(
            (
                "You can ask who looked at your record, or at your child's, and why.",
                "You can ask to see what is held, and to have a mistake put right.",
                "You can object. If the law says that it must be shared, we will tell you which law.",
                "You can complain to the Information Commissioner's Office: ico.org.uk.",
            )
        ),
        Words("Ask any of the organisations named above; young people can ask for themselves."),
        More(
            "If telling somebody could put a child in danger",
            "Where you or your child live, and who helps you, is never told to somebody who could be a danger. "
            "Records of children who must be protected are hidden from searches.",
        ),
    ]
    return Sheet(title="What is shared, and why", blocks=tuple(blocks), wide=True)


def _rows(*, individual: bool) -> tuple[tuple[str, str], ...]:
    wanted = [each for each in purposes().values() if each.individual is individual and not each.forbidden]
    return tuple((each.title, _in_words(each)) for each in wanted)


def _in_words(purpose: Purpose) -> str:
    opt_out = " You can opt out of this through the NHS (nhs.uk/your-nhs-data-matters)." if purpose.opt_out else ""
    return purpose.words + opt_out


def _agreements(visit: Visit) -> list[Block]:
    live = [each for each in standings(visit.store, visit.now) if each.state == "in force"]
    if not live:
        return [Words("No agreement is in force at this moment: nothing is shared between organisations.")]
    names = organisation_names(visit.store)
    return [_agreement(each, names) for each in live]


def _agreement(standing: Standing, names: dict[str, str]) -> Table:
    agreement = standing.agreement
    owner = names.get(agreement.owner, NOBODY_KNOWS)
    others = ", ".join(names.get(party, NOBODY_KNOWS) for party in agreement.parties if party != agreement.owner)
    caption = f"{standing.title}: {owner} shares with {others}, {day(agreement.starts)} to {day(agreement.ends)}"
    head = ("What", "How much", "Why", "On what power", "Lawful basis")
    return Table(caption, head, tuple(_line(line) for line in agreement.rules))


def _line(line: Rule) -> tuple[str, ...]:
    how = " and ".join(
        {Mode.EXISTENCE: "that it exists, and whom to ask", Mode.CONTENT: "what it says"}[mode] for mode in line.modes
    )
    if line.effect is Effect.FORBID:
        how = f"Never: {how}"
    return (
        titles(record_types(), line.record_types, "Every kind of record"),
        how,
        titles(purposes(), line.purposes, "Every reason above"),
        titles(powers(), line.powers, "Any power"),
        titles(bases(), line.bases, "Any basis"),
    )


def about(visit: Visit) -> Answer:
    """What this service is, and what it is not."""
    return Sheet(
        title="About this service",
        blocks=(
            Words(
                "samechild helps organisations that work with children to know when they are speaking of the same "
                "child, and lets each of them see only what the law and an agreement allow.",
                lead=True,
            ),
            Words(
                "Every question is decided by published rules, and every decision is written into a ledger that "
                "nobody can quietly change. Who a child is and what is known about the child are kept apart."
            ),
            Words(
                "It is open source. It is not approved for live records until the organisations that use it have "
                "made their own assessment."
            ),
        ),
    )


def accessibility(visit: Visit) -> Answer:
    """How far everybody can use these pages."""
    return Sheet(
        title="Accessibility statement",
        blocks=(
            Words(
                "These pages are made to meet the Web Content Accessibility Guidelines version 2.2 at level AA. They "
                "work by keyboard alone, without JavaScript, enlarged to 400%, on a telephone, and on paper."
            ),
            Heading("How this is checked"),
            Words(
                "Every page is checked by axe-core at two widths, with JavaScript off and by keyboard, each time the "
                "software changes. Automatic checks find only part of what can be wrong: the organisation that runs "
                "this service should also test it with people who use assistive technology."
            ),
            Heading("If something does not work for you"),
            Words(
                "Tell the organisation that gave you access, and ask for what you need in another form. If you are "
                "not content with its answer, the Equality Advisory and Support Service can help: "
                "equalityadvisoryservice.com."
            ),
            Heading("What is not accessible"),
            Words("Tables with many columns are scrolled sideways on narrow screens. No other failing is known."),
        ),
    )


def cookies(visit: Visit) -> Answer:
    """Which cookies are kept, and for how long."""
    hours = visit.shell.settings.signed_in_hours
    return Sheet(
        title="Cookies",
        blocks=(
            Words("Only cookies needed to sign you in are used. Nothing follows you, and nobody else sees them."),
            Table(
                "Cookies kept on your device",
                ("Name", "What for", "Ends"),
                (
                    ("samechild", "Says that you are signed in", f"When you sign out, or after {hours} hours"),
                    ("samechild-start", "Protects the sign-in form", "After 1 hour, or when you have signed in"),
                ),
            ),
            Words("Over https their names begin with __Host-, which makes your browser keep them to this address."),
        ),
    )


PAGES = (
    Page(path="/purposes", who=ANYBODY, show=what_is_shared, part="/purposes"),
    Page(path="/about", who=ANYBODY, show=about),
    Page(path="/accessibility", who=ANYBODY, show=accessibility),
    Page(path="/cookies", who=ANYBODY, show=cookies),
)
