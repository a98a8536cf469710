"""CSS of the alignment page, in a light and a dark theme."""

# Neighbouring tokens differ in hue. They also have gaps and borders, for readers who see no hue.
HUES = (212, 28, 150, 275, 340, 52)

_TINTS = "".join(
    f"  --tint{i}: hsl({hue} var(--tint)); --ink{i}: hsl({hue} var(--ink));\n"
    for i, hue in enumerate(HUES)
)
_CLASSES = "".join(
    f".hue{i} {{ --own-tint: var(--tint{i}); --own-ink: var(--ink{i}); }}\n"
    for i, _ in enumerate(HUES)
)

STYLE = f""":root {{
  color-scheme: light dark;
  --page: #fff; --text: #1c1e21; --dim: #676d75; --tint: 80% 93%; --ink: 60% 42%;
{_TINTS}}}
@media (prefers-color-scheme: dark) {{
  :root {{ --page: #15171a; --text: #e8eaed; --dim: #9aa1aa; --tint: 38% 21%; --ink: 60% 66%; }}
}}
{_CLASSES}body {{
  margin: 2rem auto; max-width: 72rem; padding: 0 1.25rem;
  background: var(--page); color: var(--text); font: 1rem/1.4 system-ui, sans-serif;
}}
h1 {{ margin: 0; font-size: 1.15rem; }}
header p {{ margin: .25rem 0 1.75rem; color: var(--dim); font-size: .875rem; }}
main {{ display: flex; flex-wrap: wrap; align-items: flex-start; gap: 0 .6rem; }}
.break {{ flex-basis: 100%; }}
.group {{
  display: grid; grid-template-rows: auto .9rem; grid-auto-columns: minmax(max-content, auto);
  column-gap: .2rem; margin-bottom: 1.5rem; max-width: 100%; overflow-x: auto;
}}
.token, .piece {{
  box-sizing: border-box; min-width: 1.5rem; padding: .15rem .45rem;
  text-align: center; white-space: pre; border-radius: .3rem;
}}
.token {{
  grid-row: 1; background: var(--own-tint); border-bottom: .2rem solid var(--own-ink);
  border-end-start-radius: 0; border-end-end-radius: 0; font-weight: 600;
}}
.line {{ justify-self: center; width: .125rem; background: var(--own-ink); }}
.piece {{
  margin-bottom: .2rem; background: var(--own-tint); border: 1px solid var(--own-ink);
  font: .875rem/1.4 ui-monospace, monospace;
}}
.piece small {{ display: block; color: var(--dim); font-size: .6875rem; }}
.shared {{ --own-ink: var(--text); background: linear-gradient(to right, var(--tints)); }}
[dir="rtl"] .shared {{ background: linear-gradient(to left, var(--tints)); }}
.empty {{ border-bottom: .2rem solid transparent; visibility: hidden; }}
.bare {{
  background: none; border: 1px dashed var(--dim); border-radius: .3rem;
  color: var(--dim); font-weight: 400;
}}
"""
