/** A pattern to subscribe by: topic names enter, a regular expression that matches these and no others leaves. */
export const patternOf = (topics: readonly string[]): RegExp =>
  new RegExp(`^(?:${topics.map((topic) => topic.replaceAll('.', '\\.')).join('|')})$`);
