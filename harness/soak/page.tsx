/** Sections as one self-contained HTML page, without scripts and without anything from the network. */
import { createHash } from 'node:crypto';
import { render } from 'preact-render-to-string';
import { visible } from '../../reports/escape.ts';
import { css } from '../../reports/html/style.ts';
import type { Section } from './sections.ts';

/** Nothing may run, load, or be sent; the one style sheet is allowed by its hash. */
const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(css).digest('base64')}'; base-uri 'none'; form-action 'none'`;

export function sectionPage(title: string, sections: readonly Section[]): string {
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content={contentSecurityPolicy} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{title}</title>
        <style dangerouslySetInnerHTML={{ __html: css }} />
      </head>
      <body>
        <main>
          <h1>{title}</h1>
          {sections.map((section) => (
            <section key={section.title}>
              <h2>{section.title}</h2>
              {section.sentences.map((sentence) => (
                <p key={sentence}>{visible(sentence)}</p>
              ))}
              {section.rows.length === 0 ? null : <Table rows={section.rows} />}
            </section>
          ))}
        </main>
      </body>
    </html>
  );
  return `<!doctype html>\n${render(page)}\n`;
}

function Table({ rows: [head = [], ...rows] }: { rows: Section['rows'] }) {
  return (
    <table>
      <thead>
        <tr>
          {head.map((one) => (
            <th key={one} scope="col">
              {one}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.join('\n')}>
            {row.map((one, column) => (
              <td key={head[column]}>{visible(one)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
