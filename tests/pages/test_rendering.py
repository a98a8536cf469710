"""Templates escape what they show, whatever it is."""

import jinja2
import pytest

from spacy_deberta.pages import choose_hues, clean_text, make_environment

START = "{% extends 'base.html' %}{% block title %}{% endblock %}{% block main %}"


@pytest.fixture
def render(monkeypatch):
    """Render the text of a template as a part of `base.html`."""
    environment = make_environment("spacy_deberta.pages")

    def render(text, /, **values):
        loader = jinja2.DictLoader({"page": f"{START}{text}{{% endblock %}}"})
        monkeypatch.setattr(environment.loader, "loaders", [loader, *environment.loader.loaders])
        environment.cache.clear()
        return environment.get_template("page").render(**values)

    return render


def test_values_are_escaped_and_have_no_characters_that_html_lacks(render):
    text = "<script>alert(1)</script>\x00\ud800\x1b & '\""
    shown = render('<main>{{ text }}</main><p title="{{ text }}"></p>', text=text)
    shown.encode("utf-8")
    cleaned = "&lt;script&gt;alert(1)&lt;/script&gt;\ufffd\ufffd\ufffd &amp; &#39;&#34;"
    assert f"<main>{cleaned}</main>" in shown
    assert f'<p title="{cleaned}">' in shown
    assert len(clean_text(text)) == len(text)


def test_a_name_that_is_not_given_is_an_error(render):
    with pytest.raises(jinja2.UndefinedError):
        render("{{ missing }}")


def test_both_themes_define_the_same_colours(render):
    light, dark = render("").partition("prefers-color-scheme: dark")[::2]
    names = ["--page", "--card", "--text", "--dim", "--line", "--accent", "--good", "--bad"]
    for theme in (light, dark):
        assert all(f"{name}: " in theme for name in [*names, "--tint", "--ink"])


def test_labels_keep_their_hues_apart():
    hues = choose_hues(["PERSON", "ORG", "GPE", "ORG", "DATE"])
    assert list(hues) == ["DATE", "GPE", "ORG", "PERSON"]
    values = sorted(hues.values())
    assert min(abs(a - b) for a in values for b in values if a != b) > 40
