"""Every client finds every kind of domain, with every form of address that it can send."""

import pytest

import scoreboard
from clients import CLIENTS
from domains import FORMS, KINDS


@pytest.fixture(scope="module")
def web_of():
    with scoreboard.serving() as web_of:
        yield web_of


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_client_is_set_up(web_of, client, kind):
    outcomes = {form: scoreboard.play(web_of(kind), client, kind, form) for form in FORMS}
    failed = {form: why for form, (outcome, why) in outcomes.items() if outcome == "failed"}
    assert not failed, "\n".join(f"{form}: {why}" for form, why in failed.items())


def test_every_client_and_every_domain_is_really_played():
    """A client that could find nothing anywhere would pass without a request."""
    for client in CLIENTS:
        assert any(scoreboard.cannot(client, kind, "plain") is None for kind in KINDS), client.name
    for kind in KINDS:
        played = [client.name for client in CLIENTS if scoreboard.cannot(client, kind, "plain") is None]
        assert played, kind.name
    played = sum(scoreboard.cannot(client, kind, form) is None for client in CLIENTS
                 for kind in KINDS for form in FORMS)
    assert played > 3000, played
