/** Answers as they came over a socket, looked at as problem documents. */
import assert from 'node:assert/strict'

/** The problem document of a raw answer, after checking that it is complete. */
export function rawProblem(answer: string, status: number, code: string): Record<string, unknown> {
  const [head = '', body = ''] = answer.split('\r\n\r\n', 2)
  assert.match(head, new RegExp(`^HTTP/1.1 ${status} `), answer)
  assert.match(head, /\r\nContent-Type: application\/problem\+json/i)
  const problem = JSON.parse(body)
  assert.equal(problem.code, code)
  assert.equal(problem.status, status)
  return problem
}
