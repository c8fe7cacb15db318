/** The report's style sheet: system fonts, light and dark. What is drawn on the canvases takes its colours from here. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --faint: #59616a; --line: #d5dae0; --back: #f6f7f9; --card: #fff; --lane: #eef1f4;
  --accent: #0b5cad; --good: #12652f; --bad: #b3261e; --bad-back: #fde5e3; --warn: #7a4d00; --warn-back: #fff1d1;
  --up: #bfe5cc; --down: #f4b9b2; --unknown: #dfe3e7; --alive: #4f9d6d; --paused: #f3cf87; --frozen: #a9cdf2; --off: #c9ced4;
  --crashed: #efa49b; --stage: #d9c7f3; --stage-line: #6d3fb0; --lent: #b6dcd8; --borrowed: #7fbdb6; --fault: #f7d9a8; --fault-line: #9a5b00;
  --shade: #e8a13a22; --heartbeat: #8d96a0; --news: #4d7ea8; --ballot: #7a3fc2; --answer: #1a6fd0; --release: #0f8a80; --refused: #a0561f; --operator: #c2410c;
  --n0: #a9cdf2; --n1: #f3cf87; --n2: #d5bdf2; --n3: #9edcd6; --n4: #f2b8d2; --n5: #cfd9a0; --n6: #dcc4ae; --mark: #ffd84d; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaed; --faint: #a7afb7; --line: #3a4149; --back: #14171a; --card: #1d2125; --lane: #22272c;
  --accent: #7db7f5; --good: #6fd391; --bad: #ff9d94; --bad-back: #43201e; --warn: #f2c25c; --warn-back: #3a2d0d;
  --up: #1f5a37; --down: #8a2b24; --unknown: #3d454d; --alive: #4fae76; --paused: #7d5a10; --frozen: #255a8a; --off: #3a4149;
  --crashed: #7d2f29; --stage: #4b3578; --stage-line: #b793f0; --lent: #1d5550; --borrowed: #2c8279; --fault: #5d4311; --fault-line: #e2ac4f;
  --shade: #e8a13a1f; --heartbeat: #727b84; --news: #7aa9d0; --ballot: #b78cf5; --answer: #6aaef5; --release: #4cc2b7; --refused: #d9935a; --operator: #ff8a4c;
  --n0: #255a8a; --n1: #7d5a10; --n2: #5d4192; --n3: #1d6a65; --n4: #8a3563; --n5: #57631d; --n6: #6b5038; --mark: #ffd84d; } }
* { box-sizing: border-box; }
html, body { height: 100%; }
body { margin: 0; background: var(--back); color: var(--ink); font: 13px/1.45 system-ui, sans-serif; display: flex; flex-direction: column; min-height: 640px; }
header { padding: .6rem 1rem .4rem; display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: baseline; }
h1 { font-size: 1.15rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 0 0 .3rem; } h3 { font-size: .95rem; margin: .7rem 0 .2rem; overflow-wrap: anywhere; }
.faint { color: var(--faint); } .good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
button, input, select, summary { font: inherit; color: inherit; }
button { background: var(--card); border: 1px solid var(--line); border-radius: .3rem; padding: .1rem .5rem; cursor: pointer; }
button:hover { border-color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
[hidden] { display: none !important; }
#violation { margin: 0 1rem .4rem; padding: .5rem .8rem; border-left: .35rem solid var(--bad); border-radius: .25rem; background: var(--bad-back); }
#violation strong { color: var(--bad); } #violation p { margin: 0; overflow-wrap: anywhere; }
#violation details { margin-top: .2rem; } #violation ol { margin: .2rem 0 0; padding: 0; list-style: none; max-height: 12rem; overflow: auto; }
#cut { margin: 0 1rem .4rem; padding: .3rem .8rem; border-left: .35rem solid var(--warn); background: var(--warn-back); border-radius: .25rem; }
#controls { display: flex; flex-wrap: wrap; gap: .25rem .9rem; padding: 0 1rem .4rem; align-items: center; }
fieldset { border: 0; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem .55rem; align-items: center; }
legend { float: left; padding: 0 .45rem 0 0; color: var(--faint); }
fieldset label { display: inline-flex; gap: .22rem; align-items: center; cursor: pointer; }
fieldset input { margin: 0; accent-color: var(--accent); }
.swatch { width: .8rem; height: .22rem; border-radius: 1px; display: inline-block; }
.k-heartbeat { background: var(--heartbeat); } .k-news { background: var(--news); } .k-ballot { background: var(--ballot); }
.k-answer { background: var(--answer); } .k-release { background: var(--release); } .k-refused { background: var(--refused); } .k-operator { background: var(--operator); }
#search { border: 1px solid var(--line); background: var(--card); border-radius: .3rem; padding: .1rem .4rem; width: 13rem; }
.bar { display: flex; gap: .35rem; align-items: center; }
.help { position: relative; } .help summary { cursor: pointer; color: var(--accent); }
.help dl { position: absolute; right: 0; z-index: 6; width: 25rem; max-width: 90vw; margin: .3rem 0 0; padding: .6rem .8rem; background: var(--card); border: 1px solid var(--line); border-radius: .4rem;
  box-shadow: 0 4px 16px #0003; display: grid; grid-template-columns: max-content 1fr; gap: .15rem .8rem; } .help dd { margin: 0; } .help dt { font-weight: 600; }
.help i { display: inline-block; width: 1rem; height: .75rem; margin-right: .2rem; border-radius: 2px; }
.bar-up { background: var(--up); } .bar-down { background: var(--down); } .bar-unknown { background: var(--unknown); } .bar-stage { background: var(--stage); } .bar-lent { background: var(--lent); }
.bar-borrowed { background: var(--borrowed); } .bar-fault { background: var(--fault); } .bar-alive { background: var(--alive); } .bar-bad { background: var(--bad); } .bar-mark { background: var(--mark); }
main { flex: 1; min-height: 0; display: grid; grid-template-columns: minmax(0, 1fr) minmax(19rem, 25rem); gap: .6rem; padding: 0 1rem .6rem; }
#left { display: flex; flex-direction: column; min-height: 0; min-width: 0; gap: .4rem; }
.box { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; }
#overview-box { padding: .3rem .4rem .1rem; } #overview { display: block; width: 100%; height: 34px; cursor: grab; touch-action: none; }
#likelihood { display: block; width: 100%; height: 56px; cursor: pointer; margin-bottom: 2px; } #likelihood[hidden] { display: none; } #likelihood-label { font-size: .85em; }
#why { margin: 0 1rem .6rem; padding: .5rem .8rem; max-height: 24rem; overflow: auto; flex: none; display: flex; flex-wrap: wrap; gap: .3rem 2.5rem; align-items: flex-start; } #why[hidden] { display: none; } #why h3 { margin-top: 0; } #why p { margin: .15rem 0; } #why ol.jumps { margin: .3rem 0; padding-left: 1.6rem; }
#why .jump { border: 0; background: none; padding: 0; font-weight: 600; text-align: left; } .wide { overflow-x: auto; } #why table { border-collapse: collapse; }
#why th, #why td { text-align: left; padding: .1rem .9rem .1rem 0; border-bottom: 1px solid var(--line); font-weight: 400; font-variant-numeric: tabular-nums; } #why thead th { font-weight: 600; } body.explained { min-height: 960px; }
#scrub { width: 100%; margin: .1rem 0 0; accent-color: var(--accent); display: block; }
#stage { position: relative; overflow: auto; flex: 0 1 auto; max-height: 66%; min-height: 160px; }
#lanes { position: relative; display: grid; grid-template-columns: 11.5rem minmax(0, 1fr); }
.labels { position: relative; border-right: 1px solid var(--line); background: var(--card); }
#head, #head-labels { position: sticky; top: 0; z-index: 2; border-bottom: 1px solid var(--line); }
.labels > * { position: absolute; left: 0; right: 0; padding: 0 .5rem; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.labels button { border: 0; background: none; text-align: left; border-radius: 0; line-height: 1.3; padding: 0 .5rem; }
.labels button[aria-pressed=true] { box-shadow: inset 3px 0 0 var(--accent); }
.labels button { display: flex; flex-direction: column; justify-content: flex-start; align-items: stretch; padding-top: .1rem; }
.labels .track { text-align: right; font-size: .85em; pointer-events: none; }
.labels b { font-size: 1.02rem; } .labels .now { display: block; white-space: normal; font-size: .92em; }
#timeline, #head { display: block; width: 100%; background: var(--card); cursor: crosshair; touch-action: pan-y; }
#tip { position: fixed; z-index: 5; max-width: 27rem; padding: .35rem .55rem; background: var(--card); border: 1px solid var(--faint); border-radius: .35rem; pointer-events: none; box-shadow: 0 3px 12px #0004; overflow-wrap: anywhere; }
#tip pre { margin: .3rem 0 0; max-height: 17rem; overflow: hidden; }
pre { font: 12px/1.4 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
#list-box { flex: 1 1 34%; min-height: 170px; display: flex; flex-direction: column; }
#list-head h2 { margin: 0; } #list-head { padding: .25rem .6rem; border-bottom: 1px solid var(--line); display: flex; justify-content: space-between; gap: 1rem; }
#list { position: relative; overflow: auto; flex: 1; min-height: 0; } #rows { position: relative; }
.row { position: absolute; left: 0; right: 0; height: 22px; line-height: 22px; display: grid; grid-template-columns: 5.6rem 4.4rem 6rem minmax(0, 1fr); gap: .5rem; padding: 0 .6rem; white-space: nowrap; cursor: pointer; }
.row > * { overflow: hidden; text-overflow: ellipsis; } .row .t { text-align: right; font-variant-numeric: tabular-nums; }
.row:hover { background: var(--lane); } .row[aria-selected=true] { background: var(--accent); color: #fff; } .row[aria-selected=true] .faint { color: inherit; }
@media (prefers-color-scheme: dark) { .row[aria-selected=true] { background: #1c4f86; } }
.row.cause { box-shadow: inset 3px 0 0 var(--mark); } .row.story { font-weight: 600; } .row.violation { color: var(--bad); font-weight: 700; } .row.violation[aria-selected=true] { background: var(--bad); color: #fff; }
@media (prefers-color-scheme: dark) { .row.violation[aria-selected=true] { color: #14171a; } }
#side { overflow: auto; min-height: 0; padding: .5rem .8rem .8rem; }
#tabs { display: flex; flex-wrap: wrap; gap: .3rem; margin: .2rem 0 .4rem; } #tabs button[aria-selected=true] { background: var(--accent); color: var(--card); border-color: var(--accent); }
dl.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .05rem .8rem; margin: 0; } dl.facts dt { color: var(--faint); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
ol.ladder { list-style: none; margin: .3rem 0 0; padding: 0; } ol.ladder li { display: grid; grid-template-columns: 1.1rem 7.4rem minmax(0, 1fr); gap: .3rem; padding: .1rem 0; border-top: 1px solid var(--line); }
ol.ladder li.closed { font-weight: 600; } ol.ladder span { overflow-wrap: anywhere; } ol.ladder li.later { color: var(--faint); }
ol.causes { list-style: none; margin: 0; padding: 0; } .cause-line { display: grid; grid-template-columns: 5.2rem minmax(0, 1fr); gap: .5rem; width: 100%; text-align: left; border: 0; background: none; border-radius: .2rem; padding: .06rem .2rem; }
.cause-line:hover { background: var(--lane); } .cause-line .t { font-variant-numeric: tabular-nums; text-align: right; color: var(--faint); }
section + section { margin-top: .9rem; border-top: 1px solid var(--line); padding-top: .6rem; }
@media (max-width: 60rem) { body { height: auto; } main { grid-template-columns: minmax(0, 1fr); } #side { overflow: visible; } #lanes { grid-template-columns: 7rem minmax(0, 1fr); } #list-box { flex: none; height: 24rem; } #stage { max-height: 70vh; } }
`;
