/** Markdown as GitHub shows it: a page enters; the HTML, its tags and the words that a reader sees leave. Test only. */
import { Marked } from 'marked';

export const htmlOf = (markdown: string): string =>
  new Marked({ gfm: true }).parse(markdown, { async: false });

export const tagsOf = (html: string): string[] =>
  [...html.matchAll(/<([a-z][a-z0-9]*)/gi)].map(([, name = '']) => name);

/** Without comments and tags, with the entities of HTML as characters. */
export const wordsOf = (html: string): string =>
  html
    .replaceAll('<!-- -->', '')
    .replace(/<[^>]+>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

/** Texts that would be markup, links, mentions or commands to a terminal if nothing were done about them. */
export const hostileTexts = [
  '<script>alert(1)</script><img src=x onerror=alert(1)>',
  '[click](javascript:alert(1)) ![x](http://evil.example/x.png) <http://evil.example>',
  'https://evil.example www.evil.example mail@evil.example @someone #1 GH-1 owner/repo#1',
  '| a | b |\n|---|---|\n# heading\n- list\n> quote\n```\ncode\n```\n---\n',
  '`code` ``` *bold* _it_ ~~gone~~ \\| \\ \\\\| $x$ ```` &amp; &lt;b&gt; <!-- c --> -->',
  '\u0000\u001b[31m\u202e\u2066 \ud800 \r\n',
];

/** What GitHub still looks for when the Markdown is read: mentions, references and bare links. Code is left alone. */
export const calledOutside = (html: string): RegExpMatchArray | null =>
  html.replace(/<(code|pre)[^>]*>[\s\S]*?<\/\1>/g, '').match(/@\w|#\d|GH-\d|:\/\/|www\./);
