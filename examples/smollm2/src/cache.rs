//! The key-value cache as a tree of tokens.
//!
//! A node is a token after all the tokens above it, with its keys and values
//! in every layer. A beam is a node. So beams share what they have in common,
//! and so do prompts; putting beams in another order moves no keys; and a beam
//! that is dropped gives back the nodes that were its alone.

use std::collections::HashMap;

/// A token and those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node(u32);

/// What the first tokens of all sequences follow.
pub const ROOT: Node = Node(u32::MAX);

#[derive(Clone, Copy, Debug)]
struct Link {
    parent: Node,
    token: u32,
    position: u32,
    /// Children and holds.
    uses: u32,
}

/// Keys and values of one layer, `[nodes, width]` each.
#[derive(Debug, Default)]
pub struct LayerCache {
    pub keys: Vec<f32>,
    pub values: Vec<f32>,
}

#[derive(Debug)]
pub struct Cache {
    width: usize,
    links: Vec<Link>,
    free: Vec<Node>,
    children: HashMap<(Node, u32), Node>,
    pub layers: Vec<LayerCache>,
}

impl Cache {
    /// An empty cache of `layers` layers with keys of `width` numbers.
    pub fn new(layers: usize, width: usize) -> Self {
        Cache {
            width,
            links: Vec::new(),
            free: Vec::new(),
            children: HashMap::new(),
            layers: (0..layers).map(|_| LayerCache::default()).collect(),
        }
    }

    /// The node of `token` after `parent`, if there is one.
    pub fn find(&self, parent: Node, token: u32) -> Option<Node> {
        self.children.get(&(parent, token)).copied()
    }

    /// The node of `token` after `parent`, held once more. Where it is new its
    /// keys and values are still to be computed.
    pub fn hold(&mut self, parent: Node, token: u32) -> Node {
        if let Some(node) = self.find(parent, token) {
            self.hold_again(node);
            return node;
        }
        let mut position = 0;
        if parent != ROOT {
            self.hold_again(parent);
            position = self.links[parent.0 as usize].position + 1;
        }
        let link = Link {
            parent,
            token,
            position,
            uses: 1,
        };
        let node = match self.free.pop() {
            Some(node) => {
                self.links[node.0 as usize] = link;
                node
            }
            None => {
                self.links.push(link);
                let size = self.links.len() * self.width;
                for layer in &mut self.layers {
                    layer.keys.resize(size, 0.0);
                    layer.values.resize(size, 0.0);
                }
                Node(self.links.len() as u32 - 1)
            }
        };
        self.children.insert((parent, token), node);
        node
    }

    /// Holds a node that is there once more.
    pub fn hold_again(&mut self, node: Node) {
        self.links[node.0 as usize].uses += 1;
    }

    /// Gives back one hold; what nobody uses any more is freed.
    pub fn release(&mut self, mut node: Node) {
        while node != ROOT {
            let link = &mut self.links[node.0 as usize];
            link.uses -= 1;
            if link.uses > 0 {
                return;
            }
            let Link { parent, token, .. } = *link;
            self.children.remove(&(parent, token));
            self.free.push(node);
            node = parent;
        }
    }

    pub fn token(&self, node: Node) -> u32 {
        self.links[node.0 as usize].token
    }

    /// How many tokens come before it.
    pub fn position(&self, node: Node) -> usize {
        self.links[node.0 as usize].position as usize
    }

    /// Where its keys and values lie in the layers.
    pub fn range(&self, node: Node) -> std::ops::Range<usize> {
        let start = node.0 as usize * self.width;
        start..start + self.width
    }

    /// The node and all above it, first token first.
    pub fn path(&self, mut node: Node) -> Vec<Node> {
        let mut path = Vec::new();
        while node != ROOT {
            path.push(node);
            node = self.links[node.0 as usize].parent;
        }
        path.reverse();
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_use(cache: &Cache) -> usize {
        cache.links.len() - cache.free.len()
    }

    #[test]
    fn beams_share_nodes_and_give_back_their_own() {
        let mut cache = Cache::new(1, 2);
        let a = cache.hold(ROOT, 7);
        let ab = cache.hold(a, 8);
        let ac = cache.hold(a, 9);
        cache.release(a);
        assert_eq!(in_use(&cache), 3);
        assert_eq!(cache.path(ac), [a, ac]);
        assert_eq!((cache.token(ac), cache.position(ac)), (9, 1));

        // Two beams in one place are one node.
        assert_eq!(cache.hold(a, 8), ab);
        cache.release(ab);
        assert_eq!(cache.find(a, 8), Some(ab));

        cache.release(ab);
        assert_eq!(cache.find(a, 8), None);
        assert_eq!(in_use(&cache), 2);
        cache.release(ac);
        assert_eq!(in_use(&cache), 0);
        assert_eq!(cache.find(ROOT, 7), None);
    }
}
