// Classes.
check("private fields are per instance", () => { class A { #x; constructor(x) { this.#x = x; } x() { return this.#x; } } same(new A(1).x() + new A(2).x(), 3); });
check("a private name is a brand", () => { class A { #x; static is(o) { return #x in o; } } same(A.is(new A()), true); same(A.is({}), false); });
check("a static block has the class as this", () => { class A { static { this.y = 4; } } same(A.y, 4); });
check("new.target is the derived class", () => { let t; class A { constructor() { t = new.target; } } class B extends A {} new B(); same(t, B); });
check("this before super is a ReferenceError", () => { class B extends Object { constructor() { this.x = 1; super(); } } throws(ReferenceError, () => new B()); });
check("a class is not callable", () => { class A {} throws(TypeError, () => A()); });
check("a subclass of Array makes its own kind", () => { class A extends Array {} same(new A(1, 2).map((x) => x) instanceof A, true); });
