# SPDX-License-Identifier: MIT
"""Plots are well-formed SVG, hold every point inside the frame, and name every curve."""
import unittest
import xml.etree.ElementTree as tree

import plot

SVG = "{http://www.w3.org/2000/svg}"


def drawn(curves):
    return tree.fromstring(plot.draw("A <title> & more", "servers", "instructions", curves))


class Plots(unittest.TestCase):
    CURVES = [("one", [(3.0, 1234.5), (51.0, 30000.0)]), ("two", [(3.0, 0.5), (9.0, 7.0)])]

    def test_every_point_is_there_and_inside(self):
        circles = drawn(self.CURVES).findall(f"{SVG}circle")
        self.assertEqual(len(circles), 4)
        for circle in circles:
            self.assertTrue(plot.LEFT <= float(circle.get("cx")) <= plot.WIDTH - plot.RIGHT)
            top, bottom = plot.HEADING + 2 * plot.LEGEND_LINE, plot.HEIGHT - plot.BOTTOM
            self.assertTrue(top <= float(circle.get("cy")) <= bottom)

    def test_more_is_higher(self):
        low, high = (float(c.get("cy")) for c in drawn(self.CURVES[:1]).findall(f"{SVG}circle"))
        self.assertGreater(low, high)

    def test_every_curve_is_named(self):
        texts = [text.text for text in drawn(self.CURVES).findall(f"{SVG}text")]
        for name, _ in self.CURVES:
            self.assertIn(name, texts)

    def test_a_series_is_what_its_prefix_says_in_order(self):
        figures = {"W1/N=9": 2.0, "W1/N=3": 1.0, "C-Raft W1/N=3": 5.0, "W1-tickets/N=3": 6.0}
        self.assertEqual(plot.series(figures, "W1/N="), [(3.0, 1.0), (9.0, 2.0)])


if __name__ == "__main__":
    unittest.main()
