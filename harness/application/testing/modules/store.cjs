/** A store on a disk. */
const { appendFile } = require('node:fs/promises');

exports.save = async (text) => await appendFile('store', text);
