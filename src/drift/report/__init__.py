"""What is read: the document model, and one small file for each format."""
