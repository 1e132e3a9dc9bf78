//! The items of a whole answer.

use serde_json::Value;

use super::{
    items::{ItemKind, OpenItem, audio_item, image_item, kind_of, signature_fields},
    write::ResponseWriter,
};
use crate::{dialect::serve::AnswerSegment, event::AnswerPieceKind};

impl ResponseWriter {
    /// The item of a piece of a whole answer.
    pub(super) fn whole_item(
        &self,
        piece: &AnswerSegment<'_>,
        id: &str,
        index: usize,
    ) -> Option<Value> {
        let signature_fields = piece.signature.map(signature_fields).unwrap_or_default();
        let mut open = match piece.kind {
            AnswerPieceKind::Text { .. } => OpenItem::whole(ItemKind::Text, piece.text),
            AnswerPieceKind::Reasoning { .. } => {
                let mut item =
                    OpenItem::whole(ItemKind::Reasoning, piece.text).json(id, "completed");
                item["encrypted_content"] = self.head.signature(index).into();
                return Some(item);
            }
            AnswerPieceKind::ToolCall { index } => {
                let call = piece.call?;
                let id = self.head.call_id(Some(&call.id), *index, piece.signature);
                let item = ItemKind::Call {
                    index: *index,
                    id: id.unwrap_or_default(),
                    name: call.name.clone(),
                    kind: kind_of(&signature_fields),
                };
                OpenItem::whole(item, &call.arguments)
            }
            AnswerPieceKind::Media { .. } => {
                let media = piece.media?;
                return image_item(media, id).or_else(|| audio_item(media, id));
            }
            AnswerPieceKind::Opaque { raw, .. } => return serde_json::from_str(raw).ok(),
        };
        open.signature_fields = signature_fields;
        Some(open.json(id, "completed"))
    }
}
