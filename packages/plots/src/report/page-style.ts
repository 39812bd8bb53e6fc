import { inkRules } from '../dark-inks.ts'

/** The report's style: readable in light and dark, on paper and on a phone. On paper it is light; so are figures that are not ours. */
export const pageStyle = `
:root { color-scheme: light dark; --paper: light-dark(#ffffff, #14171a); --ink: light-dark(#1f2328, #e6e8eb);
  --quiet: light-dark(#59636e, #9ba5b0); --line: light-dark(#d5d9de, #363c43); --soft: light-dark(#f4f5f7, #1d2125);
  --alarm: light-dark(#a3221b, #ff9d94); --alarm-soft: light-dark(#fdf0ef, #331a18); --link: light-dark(#0b5cad, #7fbcff); }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 2.5rem) 4rem; max-width: 74rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 Inter, Helvetica, Arial, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.3rem; margin: 2.8rem 0 .8rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.02rem; margin: 1.6rem 0 .4rem; }
p, figcaption { max-width: 48rem; }
a { color: var(--link); }
.quiet, .canary, caption p, .wording { color: var(--quiet); }
.canary { font-size: .8rem; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; padding: 0; margin: 1rem 0 0; list-style: none; }
button, input, select { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 6px;
  padding: .3rem .6rem; max-width: 100%; }
button { background: var(--soft); cursor: pointer; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
#theme { float: right; }
.notices { list-style: none; padding: 0; }
.notices li { border-left: 4px solid var(--line); background: var(--soft); padding: .6rem .9rem; margin: .5rem 0; border-radius: 0 6px 6px 0; }
.notices li.alarm { border-color: var(--alarm); background: var(--alarm-soft); }
.notices .code { font-weight: 600; }
.alarm .code, td .alarm, td.alarm { color: var(--alarm); }
.notices p { margin: .15rem 0 0; max-width: none; }
.notices .about { font-size: .85rem; color: var(--quiet); }
.scroll { overflow-x: auto; margin: .5rem 0 1.4rem; }
table { border-collapse: collapse; font-size: .9rem; min-width: 60%; font-variant-numeric: tabular-nums; }
caption { text-align: left; margin-bottom: .5rem; }
caption h3, caption p { margin: 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--quiet); font-weight: 500; vertical-align: bottom; }
tbody th { font-weight: 500; }
td small, th small { display: block; color: var(--quiet); font-size: .8rem; font-weight: 400; }
td code { font: .85em/1.4 ui-monospace, SFMono-Regular, Consolas, monospace; }
pre { background: var(--soft); padding: .9rem; border-radius: 6px; overflow: auto; max-height: 30rem; font: .82rem/1.5 ui-monospace, SFMono-Regular, Consolas, monospace; }
summary { cursor: pointer; }
.long > summary { margin: 1rem 0; } .long h3 { display: inline; margin: 0; }
figure { margin: 0 0 1.8rem; }
.frame { background: #ffffff; color: #1f2328; border: 1px solid var(--line); border-radius: 8px; padding: .4rem; width: fit-content; max-width: 100%; overflow-x: auto; }
.frame svg { display: block; max-width: 100%; height: auto; }
${inkRules('.frame.themed')}
@media screen and (max-width: 36rem) { .frame svg { max-width: none; } }
.dimmed { opacity: .13 !important; }
.chips { display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; margin: 0 0 1rem; }
.chip { border-radius: 99px; padding: .1rem .7rem; font-size: .88rem; }
.chip[aria-pressed=true] { background: var(--ink); color: var(--paper); }
#tip { position: fixed; z-index: 9; pointer-events: none; max-width: min(24rem, 90vw); background: var(--ink); color: var(--paper); padding: .4rem .6rem; border-radius: 6px; font-size: .82rem; }
#tip dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .7rem; margin: 0; }
#tip dt { opacity: .75; } #tip dd { margin: 0; }
#answer-controls { display: flex; flex-wrap: wrap; gap: .6rem .8rem; align-items: end; }
#answer-controls label { display: grid; font-size: .82rem; color: var(--quiet); gap: .15rem; }
#answer-controls label.check { display: flex; align-items: center; gap: .4rem; padding-bottom: .4rem; }
#answer-controls select { max-width: 16rem; }
.answer { border: 1px solid var(--line); border-radius: 8px; padding: .7rem .9rem; margin: .7rem 0; unicode-bidi: isolate; }
.answer header { display: flex; flex-wrap: wrap; gap: .1rem .9rem; font-size: .84rem; color: var(--quiet); }
.answer .label { font-weight: 600; color: var(--ink); }
.answer p { margin: .4rem 0 0; white-space: pre-wrap; unicode-bidi: isolate; max-width: none; }
.answer .reveal { margin-top: .5rem; }
h3.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
[hidden] { display: none !important; }
@media (max-width: 36rem) { body { font-size: 15px; } h1 { font-size: 1.4rem; } #answer-controls label, #answer-controls select, #answer-controls input[type=search] { width: 100%; max-width: none; } }
@media print { :root { color-scheme: light !important; } body { max-width: none; padding: 0; font-size: 10.5pt; }
  nav, button, .chips, #answer-controls, .skip { display: none !important; } figure, .answer, tr, .notices li { break-inside: avoid; }
  .long::details-content { content-visibility: visible; height: auto; } h2, h3 { break-after: avoid; } pre { max-height: none; white-space: pre-wrap; } .scroll { overflow: visible; } table { font-size: 8.5pt; } }
`
