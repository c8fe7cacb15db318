/** The status page's style sheet: system fonts, light and dark, one column on a phone. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --faint: #5b636b; --line: #d5dae0; --back: #f6f7f9; --card: #fff;
  --good: #12652f; --bad: #a8201a; --warn: #7a4d00; --warn-back: #fff1d1; --bad-back: #fde5e3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaed; --faint: #a3abb3; --line: #3a4149; --back: #14171a;
  --card: #1d2125; --good: #6fd391; --bad: #ff9d94; --warn: #f2c25c; --warn-back: #3a2d0d; --bad-back: #43201e; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 1rem/1.45 system-ui, sans-serif; }
header, main { max-width: 64rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1rem; }
h1 { font-size: 1.35rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 0; overflow-wrap: anywhere; }
h4 { font-size: .95rem; margin: 1rem 0 .25rem; }
p { margin: .25rem 0; }
.faint { color: var(--faint); }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.banner { margin: .75rem 0 0; padding: .6rem .8rem; border-left: .3rem solid; border-radius: .25rem; }
.banner.bad { background: var(--bad-back); } .banner.warn { background: var(--warn-back); }
.banner:empty { display: none; }
.stale main { opacity: .7; }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .9rem 1rem; min-width: 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .6rem 0 0; }
dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
ol { list-style: none; margin: .35rem 0 0; padding: 0; }
.ladder li { display: grid; grid-template-columns: 1.4rem minmax(6rem, 9rem) 1fr max-content; gap: .4rem; padding: .2rem 0;
  border-top: 1px solid var(--line); font-size: .93rem; }
.ladder span { overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
th, td { text-align: left; padding: .4rem .6rem; border-top: 1px solid var(--line); overflow-wrap: break-word; }
thead th { border-top: 0; color: var(--faint); font-weight: 600; font-size: .88rem; }
tbody th { font-weight: 600; overflow-wrap: anywhere; }
.history li { padding: .5rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.history li:first-child { border-top: 0; }
@media (max-width: 30rem) { th, td { padding: .4rem .35rem; font-size: .9rem; }
  .ladder li { grid-template-columns: 1.4rem 1fr max-content; } .ladder .reason { grid-column: 2 / -1; grid-row: 2; } }
`;
