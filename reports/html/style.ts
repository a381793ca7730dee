/** The style sheet of the HTML report: nothing enters, CSS for light, dark, narrow and printed pages leaves. */
import { COLORS } from './palette.tsx';

/** Paul Tol's light scheme for areas (its grey replaced, which would look like nobody), and darker inks of the same hues for thin marks on a light page. */
const areas = ['#77aadd', '#ee8866', '#eedd88', '#ffaabb', '#99ddff', '#44bb99', '#bbcc33', '#c5b0e6'];
const inksOnLight = ['#2f6fb0', '#c2542d', '#927a0b', '#c0486a', '#1c86b8', '#1b8a69', '#6f7d0a', '#7a4fc0'];

const perColor = (rule: (index: number) => string): string =>
  Array.from({ length: COLORS }, (_, index) => rule(index)).join('');

const light = `
--page:#ffffff;--card:#f6f7f9;--line:#d9dde3;--text:#1b1f24;--quiet:#5b6470;--link:#0b57b8;
--bad:#b3122b;--bad-soft:#fdecef;--warn:#8a5a00;--warn-soft:#fdf3dc;--known:#5b3fa8;--good:#1a7040;--good-soft:#e6f5ec;
--grid:#e9ecf0;--rebalance:#8b95a3;--shade:#8a5a0014;--fault:#8a5a00;--focus:#7a2ee6;--veil:#1b1f24;
${perColor((index) => `--i${index}:${inksOnLight[index]};`)}`;
const dark = `
--page:#14171b;--card:#1d2127;--line:#343b45;--text:#e7eaee;--quiet:#a0a9b5;--link:#7db7ff;
--bad:#ff7a8a;--bad-soft:#3a1a20;--warn:#f0bd5a;--warn-soft:#352a12;--known:#b9a3ff;--good:#6fd39b;--good-soft:#15301f;
--grid:#262c34;--rebalance:#8b95a3;--shade:#f0bd5a1f;--fault:#f0bd5a;--focus:#c79bff;--veil:#14171b;
${perColor((index) => `--i${index}:${areas[index]};`)}`;

export const css = `
:root{color-scheme:light dark;${light}}
@media (prefers-color-scheme:dark){:root{${dark}}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,sans-serif}
main{max-width:1400px;margin:0 auto;padding:20px 24px 80px}
h1{font-size:22px;margin:0 0 2px;overflow-wrap:anywhere}h2{font-size:19px;margin:36px 0 10px}h3{font-size:16px;margin:22px 0 8px}
p{margin:6px 0}a{color:var(--link)}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px;background:var(--page);padding:6px;z-index:3}
.quiet{color:var(--quiet)}
code,pre{font:12.5px/1.5 ui-monospace,monospace}
code{overflow-wrap:anywhere}
pre{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:10px;overflow:auto;max-height:480px;margin:8px 0}
.command{display:block;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:6px 10px;margin:6px 0;user-select:all}
.verdict{border-left:8px solid;border-radius:8px;padding:14px 18px;margin:0 0 16px}
.verdict.invalid{background:var(--bad-soft);border-color:var(--bad)}
.verdict.unknown{background:var(--warn-soft);border-color:var(--warn)}
.verdict.valid{background:var(--good-soft);border-color:var(--good)}
.verdict strong{text-transform:uppercase;letter-spacing:.04em}
.invalid>strong,.bad{color:var(--bad)}.unknown>strong,.warn{color:var(--warn)}.valid>strong,.good{color:var(--good)}
.tiles{display:flex;flex-wrap:wrap;gap:10px;margin:0;padding:0;list-style:none}
.tiles li{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:8px 14px;min-width:104px}
.tiles b{display:block;font-size:20px;line-height:1.25}
.badge{display:inline-block;border:1.5px solid;border-radius:10px;font-size:12px;font-weight:600;line-height:1.4;padding:0 8px;white-space:nowrap}
.card{background:var(--page);border:1px solid var(--line);border-left:5px solid var(--line);border-radius:8px;padding:10px 16px;margin:10px 0;overflow-wrap:anywhere}
.card.illegal{border-left-color:var(--bad)}.card.known{border-left-color:var(--known)}.card.observed{border-left-color:var(--warn)}
.card h3,.card h4{margin:0 0 4px;font-size:15px}
.card:target,tr:target{box-shadow:0 0 0 3px var(--focus)}
.number{display:inline-block;min-width:20px;height:20px;border-radius:10px;text-align:center;font-size:12px;font-weight:700;line-height:20px;margin-right:6px;color:var(--page);background:var(--bad)}
.observed .number{background:var(--warn)}.known .number{background:var(--known)}
.badge.known{color:var(--known)}.badge.known a{color:inherit}
ol.events{list-style:none;margin:6px 0;padding:0}
ol.events li{display:flex;gap:10px;padding:1px 0}
ol.events .when{flex:0 0 82px;text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.wide{overflow-x:auto;margin:8px 0}
table{border-collapse:collapse;font-size:14px}
th,td{text-align:left;padding:4px 14px 4px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere;max-width:520px;min-width:7ch}
td:not(.n){min-width:11ch}
th{color:var(--quiet);font-weight:600;white-space:nowrap}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td,dd,li,h3,h4,summary{unicode-bidi:isolate}
details{margin:10px 0}summary{cursor:pointer;overflow-wrap:anywhere}
details.scenario{border:1px solid var(--line);border-radius:10px;padding:0 16px;margin:14px 0}
details.scenario[open]{padding-bottom:14px}
details.scenario>summary{padding:12px 0;font-size:16px;font-weight:600}
details.scenario>summary .quiet{font-weight:400;font-size:14px}
.lanes{display:flex;border:1px solid var(--line);border-radius:8px;background:var(--page);overflow:hidden;margin:8px 0}
.names{flex:none;border-right:1px solid var(--line)}
.scroll{overflow-x:auto;flex:1 1 auto}
.lanes svg{display:block;font:11px system-ui,sans-serif}
.lanes text{fill:var(--text)}
.names text{text-anchor:end}.group-name{font-weight:700;font-size:13px}
.names .quiet{fill:var(--quiet)}
.grid path{stroke:var(--grid);fill:none}.grid text{fill:var(--quiet)}
.rule{stroke:var(--line);stroke-width:1.5}.baseline{stroke:var(--line);stroke-dasharray:1 3}
.faults .bar{fill:var(--fault)}.faults .shade{fill:var(--shade)}.faults .line{stroke:var(--fault);stroke-dasharray:4 3;fill:none}
.faults .planned .bar{fill:var(--quiet)}.faults .planned text{fill:var(--quiet)}
.faults text{font-weight:600;paint-order:stroke;stroke:var(--page);stroke-width:3px;stroke-linejoin:round}
.faults .planned text{font-weight:400}.lanes .faults text.inside{fill:var(--page);stroke:none}
.faults .skipped text{text-decoration:line-through;fill:var(--quiet)}.faults .skipped .bar{fill:none;stroke:var(--quiet)}
.rebalancing{fill:var(--rebalance);opacity:.14}
.generation path{stroke:var(--rebalance);stroke-width:1.2;fill:none}
.generation text{fill:var(--quiet);paint-order:stroke;stroke:var(--page);stroke-width:3px;transform:translateX(3px)}
.band{stroke:none}.swatch{stroke:var(--line)}
.gap{fill:url(#rebalance)}.dot{fill:var(--rebalance)}
.unowned{fill:none;stroke:var(--bad);stroke-width:1.5;stroke-dasharray:4 2}
.overlap{fill:none;stroke:var(--bad);stroke-width:2.5}
.veil,.state{opacity:.8}.cross{stroke:var(--veil);stroke-width:1.1;fill:none}.ink{stroke:#1b1f24;stroke-width:1;fill:none;opacity:.34}
.dead>.band,.stalled>.band{opacity:.5}.pale{opacity:.3}
.band-text{font-weight:600;pointer-events:none}
.lanes .band-text.owner{fill:#1b1f24;paint-order:stroke;stroke:#ffffffb0;stroke-width:2.5px;stroke-linejoin:round}
.lanes .band-text.alarm{fill:var(--bad);paint-order:stroke;stroke:var(--page);stroke-width:4px;stroke-linejoin:round}
.idle .band-text.owner,.joining .band-text.owner{fill:var(--text);stroke:var(--page)}
.joining .state{fill:url(#joining)}.rebalancing .state{fill:url(#rebalance)}.stalled .state{fill:url(#stalled)}
g.rebalancing{fill:none;opacity:1}
.expelled .state{fill:none;stroke:var(--bad);stroke-dasharray:3 2;stroke-width:1.5}
.delivery{stroke:var(--quiet);fill:none}.commit{fill:var(--good)}
.refused path{stroke:var(--bad);stroke-width:1.8;fill:none}
.killed path{stroke:var(--bad);stroke-width:2.6;fill:none}.ended path{stroke:var(--quiet);stroke-width:3;fill:none}
.foreign{stroke:var(--bad);stroke-width:2;paint-order:stroke}
.faults .moment .bar{fill:var(--good)}.faults .moment .line{stroke:var(--good);stroke-width:1.5;stroke-dasharray:none}.lanes .moment text{fill:var(--good)}
.markers circle{fill:var(--bad);stroke:var(--page);stroke-width:2}.pin{fill:var(--bad)}.markers .observed circle,.observed .pin{fill:var(--warn)}.markers .known circle,.known .pin{fill:var(--known)}
.lanes .markers text{fill:var(--page);text-anchor:middle;font-weight:700;font-size:10px}
.anchor{scroll-margin-top:70px}
.markers a:focus-visible{outline:none}
.guide{stroke:var(--focus);stroke-width:2;fill:none;visibility:hidden}
.markers a:target .guide,.markers a:focus .guide,.markers a:hover .guide{visibility:visible}
.markers a:target circle,.markers a:focus circle{stroke:var(--focus);stroke-width:4}
.offsets{margin:14px 0}.offsets figcaption{overflow-wrap:anywhere}
.log-end{fill:none;stroke:var(--quiet);stroke-width:1.5;stroke-dasharray:5 3}.committed{fill:none;stroke:var(--good);stroke-width:2}
.delivered{fill:none;stroke-width:2.5}.replayed circle{fill:none;stroke:var(--bad);stroke-width:2.2}
.trace{max-height:360px}.trace b{color:var(--bad)}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:3px 16px;margin:14px 0;overflow-wrap:anywhere}.facts dt{color:var(--quiet)}.facts dd{margin:0}
.short{border:1px solid var(--line);background:var(--card);border-radius:8px;padding:8px 16px;margin:10px 0;overflow-wrap:anywhere}.short ul{margin:4px 0;padding-left:20px}
.short h3{margin:0 0 6px}.short code{overflow-wrap:anywhere}
.counts{display:flex;flex-wrap:wrap;gap:6px;list-style:none;margin:8px 0;padding:0}.counts li{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:2px 10px;font-size:14px}
.definitions{position:absolute}
${perColor((index) => `.c${index}{fill:${areas[index]}}.i${index}{fill:var(--i${index})}.si${index}{stroke:var(--i${index})}`)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;margin:8px 0;padding:0;font-size:13px;color:var(--quiet)}
.legend li{display:flex;align-items:center;gap:6px}.legend svg{flex:none}
@media (max-width:700px){.repetitions thead{display:none}.repetitions tr{display:block;border-bottom:1px solid var(--line);padding:6px 0}.repetitions td{display:block;max-width:none;border:0;padding:2px 0}.repetitions td::before{content:attr(data-label) ': ';color:var(--quiet)}.names{width:104px}.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:6px}main{padding:12px}.card{padding:8px 10px}details.scenario{padding:0 8px}ol.events li{display:block}ol.events .when{display:inline;margin-right:8px}}
@media print{details.scenario{break-inside:avoid}.scroll{overflow:visible}}
`.replaceAll('\n', '');
