"""What the module says when it fails, read from its sources for the page about troubleshooting."""

import html
import json
import pathlib
import re

MODULE = pathlib.Path(__file__).resolve().parent.parent / 'modules/patroni_install/internal'
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`')
HEAD = '| the message says | why | what to do |\n|---|---|---|\n'


def causes():
    """Return a table of what can be wrong with a build: signs in pip's output, and the advice."""
    source = (MODULE / 'pipx/causes.go').read_text()
    shared = dict(re.findall(r'^const (\w+) = ("[^"]*")', source, re.MULTILINE))
    blocks = re.findall(r'^\t\t\{\n(.*?)^\t\t\},', source, re.MULTILINE | re.DOTALL)
    if len(blocks) != source.count('[]string{'):
        raise SystemExit('docs: cannot read the causes of failed builds: causes.go is not laid out as it was')
    lines = ['| pip or pipx prints | what it means | what to do |', '|---|---|---|']
    for block in blocks:
        signs, advice = re.fullmatch(r'(?:\t+//[^\n]*\n)*\t+\[\]string\{(.*?)\},(?: //[^\n]*)?\n(.*)', block, re.DOTALL).groups()
        for name, text in shared.items():
            advice = re.sub(rf'\b{name}\b', lambda found, text=text: text, advice)
        printed = '<br>'.join(code(sign.replace('*', '…')) for sign in texts(signs))
        lines.append(f'| {printed} | {" | ".join(halves("".join(texts(advice)).replace(" ($1)", "")))} |')
    return '\n'.join(lines) + '\n'


def refusals():
    """Return a table of what is refused before anything is changed."""
    source = (MODULE / 'install/refuse.go').read_text()
    lines = []
    for found in re.finditer(rf'fmt\.Errorf\(((?:{TEXT.pattern}|[\s+])*)', source):
        message, _, rest = ''.join(texts(found[1])).partition(': ')
        why, todo = halves(rest) if '; ' in rest else ('–', cell(rest))
        lines.append(f'| {code(dots(message))} | {why} | {todo} |\n')
    return HEAD + ''.join(lines)


def halves(text):
    """Return what is wrong and what to do about it, which the first semicolon outside of brackets separates."""
    wrong, todo = re.fullmatch(r'((?:\([^()]*\)|[^(;])*)(?:; )?(.*)', text).groups()
    return cell(wrong), cell(todo)


def texts(source):
    """Return the string literals of a piece of Go."""
    return [text[1:-1] if text[0] == '`' else json.loads(text) for text in TEXT.findall(source)]


def dots(text):
    return re.sub(r'%[a-z]|\$\d', '…', text)


def cell(text):
    return html.escape(dots(text), quote=False).replace('|', '&#124;').replace('*', '&#42;')


def code(text):
    """Return text as code in which Markdown sees nothing."""
    plain = html.escape(text, quote=False)
    return '<code>' + re.sub(r'[|*_`\[\]]', lambda found: f'&#{ord(found[0])};', plain) + '</code>'
