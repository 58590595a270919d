// Copyright 2009 the Sputnik authors.  All rights reserved.
// This code is governed by the BSD license found in the LICENSE file.

/*---
info: The Date.prototype has the property "valueOf"
esid: sec-properties-of-the-date-prototype-object
description: The Date.prototype has the property "valueOf"
---*/

if (Date.prototype.hasOwnProperty("valueOf") !== true) {
  $ERROR('#1: The Date.prototype has the property "valueOf"');
}
