"""Signing in and out: with an account of this installation, through a provider, or as somebody of the demonstration.

Wrong answers are told alike, whoever's they are. No token ever stands in an address: an invitation is pasted into a
form, because addresses are kept in histories and logs.
"""

from __future__ import annotations

from samechild.errors import Invalid, Missing, Refused, Unauthenticated
from samechild.policy.roles import roles
from samechild.policy.sign_in import accounts, sessions
from samechild.policy.sign_in.oidc import begin_oidc, finish_oidc
from samechild.policy.sign_in.personas import personas, sign_in_as
from samechild.policy.sign_in.providers import Providers
from samechild.policy.sign_in.rules import rules_of
from samechild.web.blocks import (
    Answer,
    Block,
    Code,
    Heading,
    Inset,
    Link,
    Points,
    Questions,
    Redirect,
    Sheet,
    Summary,
    Warn,
    Words,
)
from samechild.web.forms import Choice, Field, Filled, Form, blank, read, wrong
from samechild.web.routes import ANYBODY, EVERYBODY, Page, Sent
from samechild.web.serving import own_path
from samechild.web.visits import Visit

RETURN = "/sign-in/return"
"""Where providers send the browser back to: to be registered with them."""

_CODE = Field(
    name="code",
    label="Code of your second factor",
    kind="code",
    longest=40,
    hint="Six digits from your authenticator app, or one of your recovery codes.",
    autocomplete="one-time-code",
)
SIGN_IN = Form(
    button="Sign in",
    fields=(
        Field(name="email", label="Email address", kind="email", longest=254, autocomplete="username"),
        Field(name="password", label="Password", kind="password", longest=256, autocomplete="current-password"),
        _CODE,
    ),
)
PERSONA = Form(
    button="Sign in as this person",
    fields=(
        Field(
            name="persona",
            label="Whom do you want to be?",
            kind="choice",
            choices=tuple(
                Choice(
                    each.persona,
                    f"{each.name}, {each.organisation}",
                    f"{'; '.join(roles()[role].title for role in each.roles)}. {each.words}",
                )
                for each in personas()
            ),
        ),
    ),
)
SECOND = Form(button="Continue", fields=(_CODE,))
INVITED = Form(button="Continue", fields=(Field(name="invitation", label="Invitation code", longest=100),))
NEW_ACCOUNT = Form(
    button="Make my account",
    fields=(
        Field(
            name="password",
            label="Choose a password",
            kind="password",
            longest=256,
            hint="At least 12 characters. Three words that do not belong together do well.",
            autocomplete="new-password",
        ),
        Field(
            name="code",
            label="Code your app shows now",
            kind="code",
            longest=10,
            autocomplete="one-time-code",
        ),
    ),
)
PASSWORD = Form(
    button="Change password",
    fields=(
        Field(name="old", label="Present password", kind="password", longest=256, autocomplete="current-password"),
        Field(
            name="new",
            label="New password",
            kind="password",
            longest=256,
            hint="At least 12 characters. Every other place where you are signed in is signed out.",
            autocomplete="new-password",
        ),
    ),
)


def sign_in(visit: Visit) -> Answer:
    """The ways to sign in here."""
    return _sign_in(visit, own_path(visit.asked.get("next", "/")), blank(SIGN_IN))


def _sign_in(visit: Visit, after: str, local: Filled, persona: Filled | None = None) -> Sheet:
    hidden = (("next", after),)
    blocks: list[Block] = []
    if visit.shell.demo is not None:
        blocks += [
            Words("Everybody here is made up. Pick somebody and look at the service through their eyes."),
            Questions(persona or blank(PERSONA), "/sign-in/persona", hidden),
        ]
    else:
        blocks += [*_providers(visit, hidden), Questions(local, "/sign-in", hidden)]
        blocks.append(Points((Link("I have an invitation", "/invitation"),)))
    problems = local.problems or (persona.problems if persona else ())
    return Sheet(title="Sign in", blocks=tuple(blocks), status=400 if problems else 200)


def _providers(visit: Visit, hidden: tuple[tuple[str, str], ...]) -> list[Block]:
    """One button for each of the organisation's own providers."""
    providers = visit.shell.providers
    found = providers.profiles.values() if providers else ()
    return [
        Questions(blank(Form(button=f"Sign in with {profile.title}")), f"/sign-in/with/{profile.name}", hidden)
        for profile in found
    ]


def to_provider(visit: Visit, sent: Sent) -> Answer:
    """Send the browser to a provider."""
    leaving = begin_oidc(
        visit.store,
        _known(visit),
        visit.named["provider"],
        f"{visit.shell.address}{RETURN}",
        visit.now,
        visit.shell.random,
        rules_of(visit.shell.settings),
    )
    return Redirect(to=leaving.address, start=leaving.browser)


def _known(visit: Visit) -> Providers:
    if visit.shell.providers is None:
        raise Missing("There is no such way to sign in here.")
    return visit.shell.providers


def from_provider(visit: Visit) -> Answer:
    """Take the browser back from a provider, and sign in."""
    shell = visit.shell
    token = finish_oidc(
        visit.store,
        _known(visit),
        visit.asked,
        visit.start,
        visit.now,
        shell.random,
        rules_of(shell.settings),
    )
    return _arrived(visit, token, "/")


def sign_in_locally(visit: Visit, sent: Sent) -> Answer:
    """Sign in with address, password and code."""
    after = own_path((sent.get("next") or ["/"])[0])
    filled = read(SIGN_IN, sent)
    if filled.problems:
        return _sign_in(visit, after, filled)
    shell = visit.shell
    try:
        token = accounts.sign_in_locally(
            visit.store,
            filled.one("email"),
            filled.one("password"),
            filled.one("code"),
            visit.now,
            shell.random,
            rules_of(shell.settings),
        )
    except Unauthenticated as error:
        return _sign_in(visit, after, wrong(filled, str(error)))
    return _arrived(visit, token, after)


def _arrived(visit: Visit, token: str, after: str) -> Redirect:
    """Go on after signing in; whoever was signed in before in this browser is signed out."""
    if visit.token:
        sessions.sign_out(visit.store, visit.token, visit.now)
    return Redirect(to=after, token=token)


def sign_in_as_persona(visit: Visit, sent: Sent) -> Answer:
    """Sign in as somebody of the demonstration."""
    if visit.shell.demo is None:
        raise Missing("There is no page at this address.")
    after = own_path((sent.get("next") or ["/"])[0])
    filled = read(PERSONA, sent)
    if filled.problems:
        return _sign_in(visit, after, blank(SIGN_IN), filled)
    token = sign_in_as(visit.store, visit.shell.settings, filled.one("persona"), visit.now, visit.shell.random)
    return _arrived(visit, token, after)


def sign_out(visit: Visit, sent: Sent) -> Answer:
    """Sign out."""
    sessions.sign_out(visit.store, visit.token, visit.now)
    return Redirect(to="/signed-out", sign_out=True)


def signed_out(visit: Visit) -> Answer:
    """Say that nobody is signed in any more."""
    return Sheet(
        title="You are signed out",
        blocks=(
            Words("Nothing you looked at is kept in this browser. Close it on a computer that others use."),
            Points((Link("Sign in again", "/sign-in"),)),
        ),
    )


def _role_form(visit: Visit) -> Form:
    held = visit.signed.roles if visit.signed else ()
    return Form(
        button="Work in this role",
        fields=(
            Field(
                name="role",
                label="In which role do you work now?",
                kind="choice",
                choices=tuple(Choice(name, roles()[name].title) for name in held),
                hint="What you may ask for depends on it, and the ledger names it.",
            ),
        ),
    )


def choose_role(visit: Visit) -> Answer:
    """The roles somebody holds, to pick one."""
    return _roles(visit, blank(_role_form(visit), role=visit.by.role))


def _roles(visit: Visit, filled: Filled) -> Sheet:
    signed = visit.signed
    blocks: list[Block] = []
    if signed is not None and signed.roles:
        blocks.append(Questions(filled, "/role"))
    if signed is not None and signed.need_second:
        names = "; ".join(roles()[name].title for name in signed.need_second)
        blocks += [
            Heading("Roles that need a second factor"),
            Words(f"These roles see who a child is: {names}."),
            Points((Link("Give a second factor", "/second-factor"),)),
        ]
    if not blocks:
        blocks.append(Inset("You hold no role at present. Ask the access manager of your organisation for one."))
        blocks += _access_managers(visit)
    return Sheet(title="Choose your role", blocks=tuple(blocks), status=400 if filled.problems else 200)


def _access_managers(visit: Visit) -> list[Block]:
    route = visit.signed.organisation.route if visit.signed else None
    return [Words(f"You can reach: {route.who}, {route.how}.")] if route else []


def take_role(visit: Visit, sent: Sent) -> Answer:
    """Work in a role from now on."""
    filled = read(_role_form(visit), sent)
    if filled.problems:
        return _roles(visit, filled)
    token = sessions.choose_role(visit.store, visit.token, filled.one("role"), visit.now, visit.shell.random)
    return Redirect(to="/", token=token)


def second_factor(visit: Visit) -> Answer:
    """Ask for a second factor."""
    return _second(blank(SECOND))


def _second(filled: Filled) -> Sheet:
    return Sheet(
        title="Give a second factor",
        blocks=(
            Words("Roles that see who a child is need two factors. Your provider asked you for one."),
            Questions(filled, "/second-factor"),
        ),
        status=400 if filled.problems else 200,
    )


def give_second_factor(visit: Visit, sent: Sent) -> Answer:
    """Take a second factor."""
    filled = read(SECOND, sent)
    if filled.problems:
        return _second(filled)
    try:
        token = accounts.step_up(visit.store, visit.token, filled.one("code"), visit.now, visit.shell.random)
    except Unauthenticated as error:
        return _second(wrong(filled, str(error)))
    return Redirect(to="/role", token=token)


def invitation(visit: Visit) -> Answer:
    """Ask for the code of an invitation."""
    return _invited(blank(INVITED))


def _invited(filled: Filled) -> Sheet:
    return Sheet(
        title="Make your account",
        blocks=(
            Words("Your access manager gave you an invitation code. It holds for three days and works once."),
            Questions(filled, "/invitation"),
        ),
        status=400 if filled.problems else 200,
    )


def open_invitation(visit: Visit, sent: Sent) -> Answer:
    """Show the seed of the second factor, and ask for a password and a code."""
    filled = read(INVITED, sent)
    if filled.problems:
        return _invited(filled)
    try:
        return _account(visit, filled.one("invitation"), blank(NEW_ACCOUNT))
    except Unauthenticated as error:
        return _invited(wrong(filled, str(error)))


def _account(visit: Visit, code: str, filled: Filled) -> Sheet:
    enrolment = accounts.begin_account(visit.store, code, visit.now, visit.shell.random)
    seed = " ".join(enrolment.seed[at : at + 4] for at in range(0, len(enrolment.seed), 4))
    return Sheet(
        title="Set up your second factor",
        blocks=(
            Words("Add an account to an authenticator app on your phone. Choose to enter a key by hand, and type:"),
            Summary((("Key", Code(seed)), ("Kind of key", "Time based"))),
            Questions(filled, "/invitation/account", (("invitation", code),)),
        ),
        status=400 if filled.problems else 200,
    )


def make_account(visit: Visit, sent: Sent) -> Answer:
    """Make the account, and show the recovery codes once."""
    code = (sent.get("invitation") or [""])[0][:100]
    filled = read(NEW_ACCOUNT, sent)
    if filled.problems:
        return _account(visit, code, filled)
    shell = visit.shell
    try:
        codes = accounts.finish_account(
            visit.store,
            code,
            filled.one("password"),
            filled.one("code"),
            visit.now,
            shell.random,
            rules_of(shell.settings),
        )
    except (Invalid, Refused) as error:
        return _account(visit, code, wrong(filled, str(error), "code" if isinstance(error, Refused) else "password"))
    return Sheet(
        title="Your account is made",
        blocks=(
            Warn("Keep these recovery codes: each works once, without your phone. They are not shown again."),
            Points(tuple(Code(each) for each in codes)),
            Points((Link("Sign in", "/sign-in"),)),
        ),
    )


def password(visit: Visit) -> Answer:
    """Ask for the old and the new password."""
    return _password(blank(PASSWORD))


def _password(filled: Filled) -> Sheet:
    return Sheet(
        title="Change your password",
        blocks=(Questions(filled, "/password"),),
        status=400 if filled.problems else 200,
    )


def change_password(visit: Visit, sent: Sent) -> Answer:
    """Change the password; every other sign-in ends."""
    filled = read(PASSWORD, sent)
    if filled.problems:
        return _password(filled)
    old, new = filled.one("old"), filled.one("new")
    rules = rules_of(visit.shell.settings)
    try:
        token = accounts.change_password(visit.store, visit.token, old, new, visit.now, visit.shell.random, rules)
    except Unauthenticated as error:
        return _password(wrong(filled, str(error), "old"))
    except Invalid as error:
        return _password(wrong(filled, str(error), "new"))
    return Redirect(to="/?done=changed", token=token)


PAGES = (
    Page(path="/sign-in", who=ANYBODY, show=sign_in, do=sign_in_locally, part="/sign-in", guessed="email"),
    Page(path="/sign-in/with/{provider}", who=ANYBODY, do=to_provider),
    Page(path=RETURN, who=ANYBODY, show=from_provider),
    Page(path="/sign-in/persona", who=ANYBODY, do=sign_in_as_persona),
    Page(path="/sign-out", who=EVERYBODY, do=sign_out, before_role=True),
    Page(path="/signed-out", who=ANYBODY, show=signed_out),
    Page(path="/role", who=EVERYBODY, show=choose_role, do=take_role, before_role=True),
    Page(
        path="/second-factor",
        who=EVERYBODY,
        show=second_factor,
        do=give_second_factor,
        before_role=True,
        guessed="code",
    ),
    Page(path="/invitation", who=ANYBODY, show=invitation, do=open_invitation, guessed="invitation"),
    Page(path="/invitation/account", who=ANYBODY, do=make_account, guessed="invitation"),
    Page(path="/password", who=EVERYBODY, show=password, do=change_password, before_role=True, guessed="old"),
)
