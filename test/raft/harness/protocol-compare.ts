/**
 * Compares transcripts by protocol: log lines are ignored, except that a replica switched to a configuration. Which lines are
 * log lines is decided by their first word.
 */
const LOG_LINE = /^ *(DEBUG|INFO|WARN|ERROR|FATAL) /
const CONFIGURATION_LINE = /^ *INFO [0-9a-f]+ switched to configuration /

export function protocolText(text: string): string {
  const body = text.endsWith('\n') ? text.slice(0, -1) : text
  const kept = body.split('\n').filter((line) => !LOG_LINE.test(line) || CONFIGURATION_LINE.test(line))
  if (kept.length === 0) return 'ok\n'
  return `${kept.join('\n')}\n`
}
