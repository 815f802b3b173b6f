/** A step that cannot go on: what is wrong and how to fix it, each half a sentence. */
export class SetupFailure extends Error {
  /**
   * @param {string} what
   * @param {string} fix
   */
  constructor(what, fix) {
    super(`${oneLine(what)} ; ${oneLine(fix)}`);
    this.name = 'SetupFailure';
  }
}

/** @param {string} text */
function oneLine(text) {
  return text.replace(/\s+/g, ' ').trim();
}
