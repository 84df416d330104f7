"""The documents of the pack that people must finish: impact assessment, privacy notice, appropriate policy documents.

The assessment sets each risk beside the measure that is really in place and beside what is not; whether what is left is
acceptable is for people to say. The notice says what families are told, in words a parent understands.

Sources: UK GDPR Articles 13, 14, 35 and 36; DPA 2018 section 42 and Schedule 1 Part 4; ICO list of processing that
needs an assessment; the Caldicott principles.
"""

from __future__ import annotations

from samechild.policy.bases import conditions, powers
from samechild.policy.governance.documents import measures, period_words, retention_row, title_of
from samechild.policy.governance.facts import (
    Configured,
    Document,
    Gap,
    Section,
    Table,
    conditions_used,
    in_force,
    names_of,
    purposes_used,
    shared_for,
    titles,
)
from samechild.policy.people.organisations import is_active
from samechild.policy.purposes import purposes

DPIA, NOTICE = "dpia-draft", "privacy-notice"

NEEDS_POLICY = frozenset({"Sch1-6", "Sch1-18", "Part3-35(5)"})
"""Conditions that need an appropriate policy document (DPA 2018 Schedule 1 paragraph 5, and section 42)."""


def drafts(configured: Configured) -> list[Document]:
    """Write every document that people must finish, check and sign."""
    return [dpia(configured), privacy_notice(configured), *policy_documents(configured)]


def dpia(configured: Configured) -> Document:
    """A draft of the data protection impact assessment (Article 35), with what is in place and what is not."""
    used, now = purposes_used(configured), configured.now
    active = [each for each in configured.organisations if is_active(each, now)]
    rows = tuple((purpose.title, purpose.words, _necessity(configured, purpose.name)) for purpose in used)
    return Document(
        name=DPIA,
        title="Data protection impact assessment: draft",
        law="UK GDPR Article 35",
        draft=True,
        sections=(
            Section(
                "Why one is needed",
                (
                    "Records about children, many of them of special categories, are brought together from several "
                    "organisations: the Information Commissioner asks for an assessment before that begins.",
                ),
            ),
            Section(
                "Nature and scope",
                (
                    f"Organisations that take part: {len(active)}. Agreements in force: {len(in_force(configured))}. "
                    f"Roles given: {len(configured.access)}.",
                    "Nobody sees a child's record except through the gate, for a purpose.",
                ),
            ),
            Section("Purposes and necessity", (), Table(("Purpose", "In plain words", "Rests on"), rows)),
            Section(
                "Risks",
                ("How likely and how grave each is, and whether what is left is acceptable, is for you to write in.",),
                Table(("Risk", "What is in place", "What is not, here"), tuple(_risks(configured)), "dpia-risks"),
            ),
            Section("Measures in place", measures(configured)),
        ),
        gaps=(
            Gap(
                DPIA, "Children, families and practitioners have not been asked, as far as is known here.", "Ask them."
            ),
            Gap(DPIA, "The likelihood and gravity of each risk are not judged.", "Judge them, with your officer."),
            Gap(DPIA, "The advice of the data protection officer is not here.", "Ask for it and write it in."),
            Gap(DPIA, "It is not signed.", "Sign it, or consult the Commissioner (Article 36), before live data."),
            *([] if rows else [Gap(DPIA, "No purpose is in use yet.", "Give roles and sign agreements first.")]),
        ),
    )


def privacy_notice(configured: Configured) -> Document:
    """The privacy notice in plain words: what is shared, why, with whom, on what power, how long, and your rights."""
    names = names_of(configured)
    sections = []
    for purpose in purposes_used(configured):
        shared = shared_for(configured, purpose.name)
        words = [purpose.words]
        for each in shared:
            owner, recipient = (names.get(party, party) for party in (each.owner, each.recipient))
            words.append(f"{owner} may share with {recipient}: {titles(each.record_types)}.")
        named = sorted({powers()[power].title for each in shared for power in each.powers if power in powers()})
        if named:
            words.append(f"The law that lets us: {'; '.join(named)}.")
        if not shared:
            words.append("For this, each organisation uses only its own records.")
        if purpose.opt_out:
            words.append("If you have set a national data opt-out, your records are not used for this.")
        sections.append(Section(purpose.title, tuple(words)))
    unnoticed = [each.title for each in purposes_used(configured) if each.name not in configured.notices]
    kept = tuple((each.name, period_words(each)) for each in configured.schedule.values() if not each.follows)
    return Document(
        name=NOTICE,
        title="How we use records about children",
        law="UK GDPR Articles 13 and 14",
        draft=True,
        sections=(
            Section(
                "Who we are",
                tuple(_who(configured)) or ("No organisation takes part yet.",),
            ),
            *sections,
            Section(
                "What we never do", ("We do not use these records to judge how well a council or its staff work.",)
            ),
            Section("How long we keep records", (), Table(("Kind of record", "How long"), kept)),
            Section(
                "What you can do",
                (
                    "You can ask to see what is written about you, and who looked at it. We answer within a month.",
                    "You can ask us to put right what is wrong, and you can object.",
                    "Where something rests on your consent you can take it back at any time, as easily as you gave it.",
                    "If you are under 18 you can ask yourself, if you understand what you are asking for. A parent or "
                    "another person you trust can help you.",
                    "If you are not happy, tell us. You can also complain to the Information Commissioner: ico.org.uk.",
                ),
            ),
        ),
        gaps=(
            Gap(NOTICE, "The data protection officer is not known here.", "Write in name and contact."),
            *(
                Gap(
                    NOTICE, f"No notice was ever recorded as given for: {title}.", "Give it to families, and record it."
                )
                for title in unnoticed
            ),
        ),
    )


def policy_documents(configured: Configured) -> list[Document]:
    """An appropriate policy document for each condition in use that the law asks one for."""
    used = conditions_used(configured)
    return [_policy_document(configured, name, used[name]) for name in used if name in NEEDS_POLICY]


def _policy_document(configured: Configured, condition: str, for_purposes: list[str]) -> Document:
    name = f"appropriate-policy-{condition.lower().replace('(', '-').replace(')', '')}"
    said = [title_of(purposes(), each) for each in for_purposes]
    law = "DPA 2018 section 42" if condition.startswith("Part3") else "DPA 2018 Schedule 1 Part 4"
    kept = tuple(retention_row(each) for each in configured.schedule.values())
    return Document(
        name=name,
        title=f"Appropriate policy document: {title_of(conditions(), condition)}",
        law=law,
        draft=True,
        sections=(
            Section("For which purposes", (f"{'; '.join(said)}.",)),
            Section(
                "How the principles are kept",
                (
                    "Lawful, fair and open: every question names its purpose, power, basis and condition; the purposes "
                    "are published in plain words; people can ask who looked.",
                    "For stated purposes only: the gate refuses any purpose that the role or the agreement lacks.",
                    "No more than needed: that a record exists and what it says are separate permissions; the share "
                    "form begins with what the purpose needs.",
                    "Accurate: requests for correction have a register and a clock; opinion is marked as opinion.",
                    "No longer than needed: see the schedule below.",
                    *measures(configured),
                ),
            ),
            Section("How long it is kept", (), Table(("Class", "Kept", "Then", "Source"), kept)),
        ),
        gaps=(
            Gap(name, "When this document was approved, and by whom, is not known here.", "Review, sign and date it."),
            Gap(name, "It must be kept until six months after the processing ends.", "Say who keeps it."),
        ),
    )


def _who(configured: Configured) -> list[str]:
    return [
        f"{each.name}. {f'Ask: {each.route.who}, {each.route.how}.' if each.route else ''}".strip()
        for each in configured.organisations
        if is_active(each, configured.now)
    ]


def _necessity(configured: Configured, purpose: str) -> str:
    shared = shared_for(configured, purpose)
    named = sorted({power for each in shared for power in each.powers})
    if not shared:
        return "no sharing: each organisation's own records and tasks"
    return "; ".join(named) or "no power is named in an agreement: to be justified"


def _not_in_place(configured: Configured) -> list[str]:
    protection = configured.protection
    found = (
        (not protection.server and not protection.encrypted, "The database files are not encrypted as a whole."),
        (not protection.root_apart, "The root key lies in the same folder."),
    )
    return [words for wrong, words in found if wrong]


def _risks(configured: Configured) -> list[tuple[str, str, str]]:
    protection = configured.protection
    late = sum(count.late for count in configured.counts)
    due = sum(access.due for access in configured.access)
    return [
        (
            "Somebody looks at a child they have nothing to do with.",
            "Roles with dates, involvement, reasons; every question stands in the ledger; one's own family is refused.",
            f"Roles due for review: {due}." if due else "",
        ),
        (
            "A hidden child or parent is found through a search, a letter or a count.",
            "Shielded fields cannot be searched, shown or counted; letters name no place and no sensitive service.",
            "",
        ),
        (
            "Two children are taken for one, or one child for two.",
            "Each link comes with its explanation; doubtful pairs are put to people and not joined.",
            "",
        ),
        (
            "A refusal or an outage leaves a child unprotected.",
            "A refusal names who can decide; refused safeguarding requests wait for review; there is a card to print.",
            f"Organisations the card cannot reach: {len(configured.unreachable)}. Cases late: {late}."
            if configured.unreachable or late
            else "",
        ),
        (
            "The databases or a backup are stolen.",
            "Names and payloads are sealed; the root key is not in the databases.",
            " ".join(_not_in_place(configured)),
        ),
        (
            "Somebody with power over the machine changes what was recorded.",
            "The ledger is signed and can be verified by anybody with the public key; a witness knows its head.",
            "" if protection.witness_apart else "The witness lies on the same disk.",
        ),
        (
            "Records are kept too long, or destroyed too early.",
            "A schedule with sources; holds; an officer decides where a date is not known.",
            "",
        ),
        (
            "Families are surprised.",
            "Purposes are published in plain words; families and young people can ask who looked.",
            "" if configured.notices else "No notice was recorded as given.",
        ),
    ]
