/** Three stores on one machine, for a first look. */
export { type DemoOptions, runDemo } from './demo.ts'
