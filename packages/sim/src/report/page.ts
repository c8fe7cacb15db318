/** The report's document, empty; its script fills it from the trace that it carries. */
export const BODY = `
<header>
<h1 id="title">A run of failtome</h1>
<span id="outcome"></span>
<span id="numbers" class="faint"></span>
</header>
<noscript><p>This page needs JavaScript. It loads nothing.</p></noscript>
<div id="violation" role="alert" hidden></div>
<div id="cut" role="status" hidden></div>
<div id="controls">
<fieldset id="kinds"><legend>Messages</legend></fieldset>
<fieldset id="groups"><legend>Records</legend></fieldset>
<fieldset id="nodes"><legend>Nodes</legend></fieldset>
<label class="bar"><span class="faint">Text</span><input id="search" type="search" autocomplete="off" spellcheck="false" placeholder="part of a line"></label>
<span class="bar">
<button id="zoom-in" type="button" aria-label="zoom in" title="zoom in (+)">+</button>
<button id="zoom-out" type="button" aria-label="zoom out" title="zoom out (−)">−</button>
<button id="zoom-all" type="button" title="the whole run (0)">all</button>
<button id="to-violation" type="button" title="to the violation (v)" hidden>violation</button>
</span>
<details class="help"><summary>Legend</summary><dl>
<dt><i class="bar-up"></i><i class="bar-down"></i><i class="bar-unknown"></i></dt><dd>thin: the node's own HAProxy is fit, unfit, unknown; wide: it sees the address up, down, unknown</dd>
<dt><i class="bar-stage"></i></dt><dd>what it is doing: campaign, guard, reading, releasing, taking, verifying</dd>
<dt><i class="bar-lent"></i><i class="bar-borrowed"></i></dt><dd>a lease that it has lent; leases that it has</dd>
<dt><i class="bar-fault"></i></dt><dd>a fault; the lanes that it strikes are shaded</dd>
<dt><i class="bar-alive"></i><i class="bar-bad"></i></dt><dd>under an address: a client outside is served, isn't</dd>
<dt>— ╌ ✕</dt><dd>a request, a response, a loss; dotted: delivered once more</dd>
<dt>● ◆</dt><dd>moments of a node's story; a ballot's begin and end</dd>
<dt><i class="bar-mark"></i></dt><dd>what was chosen, and what led to it</dd>
</dl></details>
<details class="help"><summary>Keys</summary><dl>
<dt>← →</dt><dd>record before, record after</dd>
<dt>Shift ← →</dt><dd>the same in the story: what is bold</dd>
<dt>, .</dt><dd>a hundredth of what is seen back, forward</dd>
<dt>+ − 0</dt><dd>closer, further, the whole run</dd>
<dt>Home End</dt><dd>to the begin, to the end</dd>
<dt>1 … 9</dt><dd>choose a node</dd>
<dt>v</dt><dd>to the violation</dd>
<dt>/</dt><dd>search</dd>
<dt>drag</dt><dd>move the picture</dd>
<dt>Ctrl + wheel</dt><dd>closer, further</dd>
</dl></details>
</div>
<div id="why" class="box" role="region" aria-label="why there was an outage" hidden></div>
<main>
<div id="left">
<div id="overview-box" class="box">
<div id="likelihood-label" class="faint" hidden>the chance of the outage, from each moment on: 0 below, 100 % above, shaded its 95 % interval</div>
<canvas id="likelihood" role="img" hidden></canvas>
<canvas id="overview" role="img" aria-label="The whole run"></canvas>
<input id="scrub" type="range" aria-label="moment">
</div>
<div id="stage" class="box"><div id="lanes">
<div id="head-labels" class="labels"></div><canvas id="head" role="img" aria-label="faults, and whom the address belongs to"></canvas>
<div id="labels" class="labels"></div><canvas id="timeline" role="img"></canvas>
</div></div>
<div id="list-box" class="box">
<div id="list-head"><h2>Records</h2><span id="note" class="faint" role="status"></span><span id="count" class="faint" role="status"></span></div>
<div id="list" role="listbox" tabindex="0" aria-label="records"><div id="rows"></div></div>
</div>
</div>
<aside id="side" class="box" aria-label="at this moment">
<section id="now"><h2 id="moment"></h2><div id="tabs" role="tablist" aria-label="node"></div><div id="node" role="tabpanel"></div></section>
<section id="detail"></section>
</aside>
</main>
<div id="tip" role="tooltip" hidden></div>
`;
