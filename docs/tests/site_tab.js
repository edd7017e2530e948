// SPDX-License-Identifier: MIT
// A page of the built site, as a reader opens it.
import { Tab } from './browser.js';

export const TELEPHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 900 };
export const SIZES = [TELEPHONE, DESKTOP];

export class SiteTab extends Tab {
  static async of(browser) {
    const tab = new SiteTab(await browser.newPage());
    await tab.page.emulateFocusedPage(true); // else only one tab of a browser is drawn
    return tab;
  }

  /** Open an address. Resolves to what went wrong meanwhile. */
  async open(url) {
    await this.load(url);
    if (this.complaints.some((what) => what.includes('ERR_NETWORK_CHANGED'))) {
      await this.load(url); // the machine got another network meanwhile
    }
    return this.complaints;
  }

  async load(url) {
    this.complaints = [];
    await this.page.goto(url);
    if (this.page.isJavaScriptEnabled()) { // until it has been drawn
      await this.run(() => new Promise((done) => {
        requestAnimationFrame(() => requestAnimationFrame(done));
      }));
    }
  }
}
