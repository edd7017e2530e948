// SPDX-License-Identifier: MIT
// The script of every page: the switch between light and dark, the mark in the table of contents,
// and the link back to the top. It replaces the theme's own script, which Debian 12 ships as a
// module but loads as a plain script. It uses only the theme's markup and classes, which are the
// same in Debian 12 and 13. Without it every page can still be read.
(() => {
  'use strict';

  const root = document.documentElement;
  const BACK_TO_TOP = 64; // pixels from the top below which the link is never shown

  function stored() {
    try {
      return localStorage.getItem('theme') || 'auto';
    } catch {
      return 'auto'; // storage is turned off
    }
  }

  function choose(theme) {
    document.body.dataset.theme = theme;
    try {
      localStorage.setItem('theme', theme);
    } catch {
      // The choice then lasts for this page.
    }
  }

  // From "auto" to the scheme that the system does not prefer, then to the other, then back.
  function next(theme) {
    const dark = window.matchMedia('(prefers-color-scheme: dark)').matches;
    const order = dark ? ['auto', 'light', 'dark'] : ['auto', 'dark', 'light'];
    return order[(order.indexOf(theme) + 1) % order.length];
  }

  function setUpTheme() {
    choose(stored());
    for (const button of document.getElementsByClassName('theme-toggle')) {
      button.addEventListener('click', () => choose(next(document.body.dataset.theme)));
    }
  }

  // The section being read is the last one whose heading is above the line below the header.
  function current(sections, line) {
    let found = null;
    for (const section of sections) {
      if (section.heading.getBoundingClientRect().top <= line) {
        found = section;
      }
    }
    return found;
  }

  function mark(sections, line) {
    const section = current(sections, line);
    for (const item of document.querySelectorAll('.toc-tree .scroll-current')) {
      item.classList.remove('scroll-current');
    }
    let item = section && section.item;
    while (item) { // its parents too
      item.classList.add('scroll-current');
      item = item.parentElement.closest('.toc-tree li');
    }
  }

  function sectionsOfThisPage() {
    const sections = [];
    for (const link of document.querySelectorAll('.toc-tree a[href^="#"]')) {
      const id = decodeURIComponent(link.hash.slice(1));
      const heading = id ? document.getElementById(id) : document.querySelector('h1');
      if (heading) {
        sections.push({ heading, item: link.closest('li') });
      }
    }
    return sections;
  }

  function setUpScrolling() {
    const header = document.querySelector('.mobile-header');
    const sections = sectionsOfThisPage();
    let last = window.scrollY;
    let waiting = false;

    function scrolled() {
      const y = window.scrollY;
      waiting = false;
      header.classList.toggle('scrolled', y > 0);
      if (y !== last || y < BACK_TO_TOP) {
        root.classList.toggle('show-back-to-top', y >= BACK_TO_TOP && y < last);
      }
      last = y;
      const rem = parseFloat(getComputedStyle(root).fontSize);
      mark(sections, header.getBoundingClientRect().height + 3 * rem);
    }

    window.addEventListener('scroll', () => {
      if (!waiting) {
        waiting = true;
        window.requestAnimationFrame(scrolled);
      }
    }, { passive: true });
    scrolled();
  }

  function setUp() {
    root.classList.remove('no-js');
    setUpTheme();
    setUpScrolling();
  }

  if (document.readyState === 'loading') {
    document.addEventListener('DOMContentLoaded', setUp);
  } else {
    setUp();
  }
})();
