/**
 * Walks the expressions of a Vega spec instead of compiling them, so that a page may forbid `eval`. Runs in the browser, as
 * `expressionInterpreter`, which is handed to `new vega.View` for a spec that was parsed with `{ ast: true }`. Semantics are
 * those of Vega's expression language (https://vega.github.io/vega/docs/expressions/).
 */
export const expressionScript = `
const expressionInterpreter = (() => {
  const constants = { NaN, E: Math.E, LN2: Math.LN2, LN10: Math.LN10, LOG2E: Math.LOG2E, LOG10E: Math.LOG10E, PI: Math.PI,
    SQRT1_2: Math.SQRT1_2, SQRT2: Math.SQRT2, MIN_VALUE: Number.MIN_VALUE, MAX_VALUE: Number.MAX_VALUE }
  const ofDate = (name) => (value) => new Date(value)[name]()
  const ofText = (name) => (value, ...rest) => String(value)[name](...rest)
  const own = {
    isNaN: Number.isNaN, isFinite: Number.isFinite, parseFloat, parseInt, now: Date.now, utc: Date.UTC,
    clamp: (value, low, high) => Math.max(low, Math.min(high, value)),
    datetime: (...parts) => new Date(...parts),
    length: (value) => value.length,
    upper: ofText('toUpperCase'), lower: ofText('toLowerCase'), substring: ofText('substring'), split: ofText('split'),
    trim: ofText('trim'), btoa, atob, encodeURIComponent,
    regexp: (...parts) => new RegExp(...parts), test: (pattern, text) => new RegExp(pattern).test(text),
  }
  for (const name of ['abs', 'acos', 'asin', 'atan', 'atan2', 'ceil', 'cos', 'exp', 'floor', 'hypot', 'log', 'max', 'min', 'pow',
    'round', 'sin', 'sqrt', 'tan']) own[name] = Math[name]
  const parts = { date: 'Date', day: 'Day', year: 'FullYear', month: 'Month', hours: 'Hours', minutes: 'Minutes',
    seconds: 'Seconds', milliseconds: 'Milliseconds' }
  for (const [name, part] of Object.entries(parts)) {
    own[name] = ofDate('get' + part)
    own['utc' + name] = ofDate('getUTC' + part)
  }
  own.time = ofDate('getTime')
  own.timezoneoffset = ofDate('getTimezoneOffset')
  const ofEvent = new Set(['view', 'item', 'group', 'xy', 'x', 'y'])
  const forbidden = new Set(['__proto__', 'constructor', 'prototype'])
  const binary = {
    '+': (a, b) => a + b, '-': (a, b) => a - b, '*': (a, b) => a * b, '/': (a, b) => a / b, '%': (a, b) => a % b,
    '<': (a, b) => a < b, '<=': (a, b) => a <= b, '>': (a, b) => a > b, '>=': (a, b) => a >= b,
    '==': (a, b) => a == b, '!=': (a, b) => a != b, '===': (a, b) => a === b, '!==': (a, b) => a !== b,
    '&': (a, b) => a & b, '|': (a, b) => a | b, '^': (a, b) => a ^ b, '<<': (a, b) => a << b, '>>': (a, b) => a >> b,
    '>>>': (a, b) => a >>> b,
  }
  const unary = { '+': (a) => +a, '-': (a) => -a, '~': (a) => ~a, '!': (a) => !a }

  function walk(node, scope) {
    const at = (inner) => walk(inner, scope)
    switch (node.type) {
      case 'Literal': return node.value
      case 'Identifier': {
        if (Object.hasOwn(constants, node.name)) return constants[node.name]
        if (node.name === 'datum' || node.name === 'event' || node.name === 'item') return scope[node.name]
        return scope.params['$' + node.name]
      }
      case 'MemberExpression': {
        const key = node.computed ? at(node.property) : node.property.name
        if (forbidden.has(String(key))) throw new Error('Illegal property: ' + key)
        return at(node.object)[key]
      }
      case 'CallExpression': return call(node, scope)
      case 'ArrayExpression': return node.elements.map(at)
      case 'ObjectExpression': return Object.fromEntries(node.properties.map(({ key, value }) => {
        const name = String(key.type === 'Literal' ? key.value : key.name)
        if (forbidden.has(name)) throw new Error('Illegal property: ' + name)
        return [name, at(value)]
      }))
      case 'BinaryExpression': return binary[node.operator](at(node.left), at(node.right))
      case 'UnaryExpression': return unary[node.operator](at(node.argument))
      case 'LogicalExpression':
        return node.operator === '&&' ? at(node.left) && at(node.right) : at(node.left) || at(node.right)
      case 'ConditionalExpression': return at(node.test) ? at(node.consequent) : at(node.alternate)
      default: throw new Error('Unsupported expression: ' + node.type)
    }
  }

  function call({ callee, arguments: given }, scope) {
    const at = (inner) => walk(inner, scope)
    const { name } = callee
    const { functions } = scope
    if (name === 'if') return at(given[0]) ? at(given[1]) : at(given[2])
    if (name === '_scale' || name === '_range' || name === '_bandwidth') {
      const scale = scope.params['%' + at(given[0])]
      if (name === '_scale') return scale(at(given[1]))
      if (name === '_range') return scale.range()
      return scale && scale.bandwidth ? scale.bandwidth() : 0
    }
    const values = given.map(at)
    if (ofEvent.has(name)) return scope.event.vega[name](...values)
    if (typeof functions[name] === 'function') return functions[name](...values)
    if (Object.hasOwn(own, name)) return own[name](...values)
    throw new Error('Unrecognized function: ' + name)
  }

  /** Position and size from both ends or the middle of a mark, in the order that Vega sets them. */
  function settle(item, channels, markType) {
    if (markType === 'rule') return
    const isBox = markType === 'group' || markType === 'image' || markType === 'rect'
    for (const [start, end, middle, size] of [['x', 'x2', 'xc', 'width'], ['y', 'y2', 'yc', 'height']]) {
      if (channels[end] && channels[start]) {
        if (isBox && item[start] > item[end]) [item[start], item[end]] = [item[end], item[start]]
        item[size] = item[end] - item[start]
      } else if (channels[end]) item[start] = item[end] - (item[size] || 0)
      if (channels[middle]) item[start] = item[middle] - (item[size] || 0) / 2
    }
  }

  return {
    operator: ({ functions }, { ast }) => (params) => walk(ast, { functions, params }),
    parameter: ({ functions }, { ast }) => (datum, params) => walk(ast, { functions, params, datum }),
    event: ({ functions }, { ast }) => (event) => walk(ast, { functions, params: {}, event }),
    handler: ({ functions }, { ast }) => (params, event) =>
      walk(ast, { functions, params, event, datum: event.item && event.item.datum }),
    encode: ({ functions }, { marktype, channels }) => (item, params) => {
      const scope = { functions, params, item, datum: item.datum }
      let isChanged = 0
      for (const name of Object.keys(channels)) {
        const value = walk(channels[name].ast, scope)
        if (item[name] === value) continue
        item[name] = value
        isChanged = 1
      }
      settle(item, channels, marktype)
      return isChanged
    },
  }
})()
`
