pub const LIMIT: i32 = 7;

#[repr(C)]
pub struct Point {
    pub x: i32,
    pub y: i32,
}

#[no_mangle]
pub extern "C" fn mirrored(point: Point) -> Point {
    Point { x: point.y, y: point.x }
}

#[no_mangle]
pub extern "C" fn limited(number: i32) -> i32 {
    number.min(LIMIT)
}
