"""Makes Inter.ttf and Lucide.ttf, the two fonts of the window.

    pip download --no-deps fontpkg-inter==4.1.post1      (the font lies in the wheel)
    cargo download / npm pack lucide-static              (lucide.ttf; here from the crate lucide-icons 1.66.0)
    python build.py 'Inter[opsz,wght].ttf' lucide.ttf    (needs fonttools)

Inter: Latin, Greek, Cyrillic and symbols; text optical size; weights 400 to 600; and tabular figures as the
default ones, since egui applies no OpenType features and figures must not dance.
Lucide: the icons that src/desktop/icons.rs names, found there by their code points.
"""

import io
import pathlib
import re
import sys

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

HERE = pathlib.Path(__file__).parent
TEXT = [(0x20, 0x24F), (0x2B0, 0x36F), (0x370, 0x4FF), (0x1E00, 0x1EFF), (0x2000, 0x20CF), (0x2100, 0x23FF),
        (0x25A0, 0x25FF), (0x2700, 0x27BF)]


def write_subset(font, codes, target):
    options = subset.Options()
    options.layout_features = ["kern", "mark", "mkmk", "ccmp", "locl"]
    options.name_IDs = ["*"]
    options.notdef_outline = True
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=codes)
    subsetter.subset(font)
    font.save(target)


def reloaded(font):
    buffer = io.BytesIO()
    font.save(buffer)
    buffer.seek(0)
    return TTFont(buffer)


def make_figures_tabular(font):
    gsub = font["GSUB"].table
    tabular = {}
    for record in gsub.FeatureList.FeatureRecord:
        if record.FeatureTag == "tnum":
            for index in record.Feature.LookupListIndex:
                for table in gsub.LookupList.Lookup[index].SubTable:
                    tabular.update(getattr(getattr(table, "ExtSubTable", table), "mapping", {}))
    for table in font["cmap"].tables:
        table.cmap = table.cmap | {code: tabular[table.cmap[code]] for code in map(ord, "0123456789")}


inter, lucide = sys.argv[1:]
font = instancer.instantiateVariableFont(TTFont(inter), {"opsz": 14, "wght": (400, 400, 600)})
make_figures_tabular(font)
write_subset(reloaded(font), [code for low, high in TEXT for code in range(low, high + 1)], HERE / "Inter.ttf")

icons = (HERE / "../../src/desktop/icons.rs").read_text()
write_subset(TTFont(lucide), [int(code, 16) for code in re.findall(r'"\\u\{(\w+)\}"', icons)], HERE / "Lucide.ttf")
