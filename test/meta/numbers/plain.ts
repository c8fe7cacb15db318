/**
 * Numbers of the documentation that are no bound, default, duration or count of this code, and why. A pattern may hold for
 * several pages; each must still find something, so that what has gone from the prose goes from here.
 */
export interface Plain {
  readonly pages: RegExp;
  readonly text: RegExp;
}

const any = /./;

export const plain: readonly Plain[] = [
  // HTTP's own status codes; http-errors.test.ts holds those of errors to the code.
  {
    pages: /http\.md|operations|cloud\.md|logging|PROTOCOL|certificates/,
    text: /(?<![\w.-])(?:200|4(?:00|01|03|04|05|08|09|13|15|17|21|29|31)|50[03])\b(?! ms)/g,
  },
  // Statuses by which web hooks refuse an event; receivers-webhook.test.ts holds them to the code.
  { pages: /configuration/, text: /\(2xx\)|`4(?:00|13|22)`/g },
  { pages: /configuration/, text: /`?expect`?|leave 300 to 399 in|Statuses 200 to 399 are/g },
  { pages: /http\.md/, text: /`100-continue`/g },
  // Names of versions and of kinds of keys.
  { pages: any, text: /OpenAPI 3\.1|TLS 1\.3|OpenSSL 3|P-256|RSA of 2,048 bits/g },
  // Exit codes, of which each command has a test.
  {
    pages: any,
    text: /(?<=exits with )0 for yes, 1 for [^;]*|exit codes?:? (?:is )?\d[^.|]*|exits? (?:with )?\d(?! for yes)|has to end with 0|fail with 1|ends with 1|fails; else 0|or with 1 and says|With 2 the file/gi,
  },
  // Gauges that are on or off, and where counters begin.
  {
    pages: /metrics|README|operations/,
    text: /(?<![\w.])[01](?=`? (?:while|for|passed|not\b|shows)|: down|; its|\.| without|,? and `node|\b at )|start at 0/g,
  },
  // Arithmetic: the structure of a formula, not a constant.
  {
    pages: any,
    text: /floor\(voters \/ 2\) \+ 1|[−-] 1\)|\/ 2\)?|\b2 ×|3 ×|floor\(voters \/ 2\) \+ 1|\) \/ 3/g,
  },
  // Examples of how something is written.
  {
    pages: any,
    text: /`500ms`, `2s`, `1m`, `1h`|`500ms`, `1\.5s`, `2m`|42s`?, `?1500ms`?, `?2m`?,? or `?#1234|`30 %`|such as 30m or 1h|--for (?:60s|1h|12h)|\(60s, [25][mh]\)|--horizon 3s|probe\.fall=2|run\.for=5m|within: 1m|nodes\[1\]\.priority=200|timeline\[0\]\.at=45s|--faults 2|`0x7f\.1`|`10\.1`|`a#2`|size=8192|`0s`/g,
  },
  // The table of the presets, which packages/sim/test/presets-docs.test.ts makes, and a moment that a preset doesn't survive.
  {
    pages: /tuning/,
    text: /(?<=`(?:probe|local|gossip|agreement|guard)\.\w+` \| )[^`]*?(?= \| `| <!--)|400 ms in which the holder/g,
  },
  // Examples of networks, and a confidence.
  {
    pages: /scale-command/,
    text: /in steps of 1, 3, 10, 30; or a list: 3,50,200|with so many of the members slow: 5%, or 0\.05|of all messages: 1%, or 0\.01/g,
  },
  {
    pages: /tuning|tune-command/,
    text: /1%|0\.01\b|[21],400ms|0\.3ms\.\.2ms|1ms\.\.6ms|100ms\.\.200ms|20ms\.\.120ms|300ms|--for 2m|9[05] %/g,
  },
  // The example with its own delay stands above it.
  { pages: /scenarios/, text: /After 30 seconds, by/g },
  // What the smallest of something is, in words of the rule.
  {
    pages: any,
    text: /at least 2\b|fewer than 2\b|(?<=down\. )1 turns|seeds? (?:of the swarm, )?from 1 on|seeds from 1 to this|0 switches|`epoch` of 0|0 leaves it out|port 0,?/g,
  },
  // Numbered lines of a list of the same page.
  { pages: /mutants|PROTOCOL/, text: /duties 4 to 8|fails 2 or 3/g },
  // The monit check of the seed; config-stack-json.test.ts holds the conversion to it.
  { pages: /configuration/, text: /30 s to answer/g },
  // IPv6's loopback address, the prefix of one address and of a subnet, and what `ip` is told.
  {
    pages: /cloud\.md|other-targets/,
    text: /\[::1\]:8080|`::1`|its \/64|ip -6 address|\/128\b|preferred_lft 0/g,
  },
  // Facts about others: the ports of HTTP, the mode of a file, measured rates, Node's version (package.json has a test of it).
  {
    pages: any,
    text: /Mode 0640|refuses a signed request ten minutes after its time|At 20 % packet loss, three attempts fail 3 to 10 % of the time|Node 20\.19|TCP 80 unless you chose another|since 1970|`?%25`?, `%40` and `%2F`|53 bits|hundred thousand/g,
  },
  // Times and counts of the alert rules; prometheus.test.ts holds them to the rules.
  { pages: /alerts/, text: /\d+ (?:s|min|h|days)(?=[ ,.:])/g },
  { pages: /metrics/, text: /Grafana 10\b/g },
  // Names of systems and of files; the packages' tests hold modes and names to what is packed.
  {
    pages: /packages|README/,
    text: /x86[-_]64|a(?:rm|md|arch)64|Debian 12 and 13|Ubuntu 22\.04 and 24\.04|Amazon Linux 2023|glibc 2\.28|failtome[-_]0\.1\.0(?:-1)?|VERSION-1|SHA-256|mode 07[05]0|\([15]\)/g,
  },
  // Versions of others' programs, names, ports of HTTP, and a key's length, which is tied in docs/set-up.md.
  {
    pages: /install/,
    text: /SHA-256|port 80|nbsrv\(app\) lt 1|Terraform 1\.11|\(6\.25\)|43 or more random|Amazon Linux 2023|Cinc 15\.3|`2` by default/g,
  },
  // Counts of what stands next to them.
  {
    pages: any,
    text: /those four|in four places|of four decimal numbers|about twelve quanta|about five quanta/g,
  },
  // The commands of the embedded cloud, as examples that a test carries out.
  { pages: /cloud\.md/, text: /`\{"(?:do|kind)": [^`]*\}`|`"times": 1`/g },
];
