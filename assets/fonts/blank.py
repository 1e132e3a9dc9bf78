"""Makes math/Blank.ttf and math/Wide.ttf, fonts without outlines.

    python blank.py

A formula's source stands in its text, so that it can be selected, copied and read out: its first character in
Wide, where every character is one em wide, at a size that is the formula's width; the others in Blank, where no
character has a width. The formula is drawn over them.

The other files in math/ are KaTeX's fonts, unchanged: `npm pack katex@0.19.1`, package/dist/fonts/KaTeX_*.ttf.
"""

import pathlib
import struct

HERE = pathlib.Path(__file__).parent / "math"
GLYPHS = 0xFFFF


def every_character():
    """A character map (format 12) that gives each character a glyph; all planes share the same ones."""
    groups = [(plane << 16, (plane << 16) + GLYPHS - 2, 1) for plane in range(17)]
    body = b"".join(struct.pack(">III", *group) for group in groups)
    table = struct.pack(">HHIII", 12, 0, 16 + len(body), 0, len(groups)) + body
    return struct.pack(">HHHHI", 0, 1, 3, 10, 12) + table


def write_font(name, advance):
    """Writes a font in which every character has this advance, in thousandths of an em."""
    tables = {
        b"cmap": every_character(),
        b"head": struct.pack(">IIIIHHQQhhhhHHhhh", 0x10000, 0x10000, 0, 0x5F0F3CF5, 0, 1000, 0, 0,
                             0, 0, 0, 0, 0, 8, 2, 0, 0),
        b"hhea": struct.pack(">IhhhHhhhhhhhhhhhH", 0x10000, 800, -200, 0, advance, 0, 0, 0, 1, 0, 0,
                             0, 0, 0, 0, 0, 1),
        b"hmtx": struct.pack(">Hh", advance, 0),
        b"maxp": struct.pack(">IH", 0x5000, GLYPHS),
    }
    head = struct.pack(">IHHHH", 0x10000, len(tables), 64, 2, 16 * len(tables) - 64)
    offset = len(head) + 16 * len(tables)
    body = b""
    for tag, data in sorted(tables.items()):
        padded = data + bytes(-len(data) % 4)
        check = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        head += struct.pack(">4sIII", tag, check, offset + len(body), len(data))
        body += padded
    (HERE / name).write_bytes(head + body)


write_font("Blank.ttf", 0)
write_font("Wide.ttf", 1000)
