"""``python -m tests.reference``: writes the pages, and deletes those that are none any more."""

from tests.reference.pages import FOLDER, pages

if __name__ == "__main__":
    written = pages()
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.md"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
